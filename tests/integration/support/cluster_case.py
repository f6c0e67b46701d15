"""What the tests of a cluster under load have in common."""

import contextlib
import time
import unittest

from support.cluster import ring_of, three_monoliths
from support.cluster_load import ClusterLoad, brief
from support.servers import wait_for

RINGS = ("ingester", "distributor", "querier", "query-frontend", "query-scheduler")
HEARTBEATS = [flag for ring in RINGS for flag in
              (f"-{ring}.ring.heartbeat-period=1s", f"-{ring}.ring.heartbeat-timeout=5s")]
HEARTBEAT_TIMEOUT_S = 5


@contextlib.contextmanager
def warnings_of(cluster):
    """On failure, prints what the processes warned of."""
    try:
        yield
    except BaseException:
        for member in cluster.members:
            lines = [line for line in member.log().splitlines() if "level=warn" in line or "level=error" in line]
            print(f"--- warnings of {member.name} ({member.target}):", *lines[-15:], sep="\n")
        raise


class ClusterCase(unittest.TestCase):
    @contextlib.contextmanager
    def loaded(self, *flags, etcd_size=1, network=None, **of_load):
        """Three monoliths under load; afterwards all that was acknowledged must be there."""
        cluster = three_monoliths(
            *HEARTBEATS, *flags, etcd_size=etcd_size, addresses=network.addresses if network else None)
        if network:
            network.connect(cluster.members)
        self.prepare(cluster)
        with cluster, warnings_of(cluster):
            with ClusterLoad(cluster.members, **of_load) as load:
                load.await_good()
                yield cluster, load
                load.await_good()
            self.assertGreater(load.check_complete(), 0)

    def prepare(self, cluster):
        """Before its processes start."""

    def all_are_healthy(self, cluster, seconds=15):
        for host in cluster.members:
            wait_for("heartbeats arrive", lambda host=host: len(ring_of(host)) == 3 and all(
                one["healthy"] and one["state"] == "ACTIVE" for one in ring_of(host).values()), seconds)

    def no_failures(self, failures, what):
        self.assertFalse(failures, f"{what}: {brief(failures)}")

    def clear_failures(self, outcomes, *words):
        """Server errors with a text that says what is missing."""
        self.assertTrue(outcomes)
        for one in outcomes:
            self.assertIn(one.failure.status, (500, 503), brief([one]))
            self.assertTrue(any(word in one.failure.text for word in words), brief([one]))


def load_of_a_while():
    time.sleep(1.5)
