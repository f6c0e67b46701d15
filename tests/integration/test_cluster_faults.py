"""Processes, hosts and etcd that die, freeze and restart under load: nothing acknowledged is lost, and what is left goes on."""

import contextlib
import time
import unittest

from support.cluster import many_hosts, ring_of, three_monoliths
from support.cluster_load import ClusterLoad, brief, of_reader, of_writer
from support.servers import http, wait_for

RINGS = ("ingester", "distributor", "querier", "query-frontend", "query-scheduler")
HEARTBEATS = [flag for ring in RINGS for flag in
              (f"-{ring}.ring.heartbeat-period=1s", f"-{ring}.ring.heartbeat-timeout=5s")]


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


class Case(unittest.TestCase):
    def no_failures(self, failures, what):
        self.assertFalse(failures, f"{what}: {brief(failures)}")

    def clear_failures(self, outcomes, *words):
        """Server errors with a text that says what is missing."""
        self.assertTrue(outcomes)
        for one in outcomes:
            self.assertIn(one.failure.status, (500, 503), brief([one]))
            self.assertTrue(any(word in one.failure.text for word in words), brief([one]))


class ThreeMonoliths(Case):
    @contextlib.contextmanager
    def loaded(self, etcd_size=1):
        """A cluster of three under load; afterwards all that was acknowledged must be there."""
        # An etcd that lost its leader holds a write for seconds: less than the heartbeats here have.
        cluster = three_monoliths(*HEARTBEATS, "-common.kvstore.etcd.request-timeout=2s", etcd_size=etcd_size)
        with cluster, warnings_of(cluster):
            with ClusterLoad(cluster.members) as load:
                load.await_good()
                yield cluster, load
                load.await_good()
            self.assertGreater(load.check_complete(), 0)

    def test_a_host_that_is_killed_and_comes_back(self):
        with self.loaded() as (cluster, load):
            victim, *others = cluster.members
            with load.period() as away:
                victim.kill()
                for host in others:
                    wait_for("the dead is unhealthy", lambda host=host: not ring_of(host)["host0"]["healthy"], 10)
                load_of_a_while()
                victim.start()
                for host in others:
                    wait_for("it is healthy again", lambda host=host: ring_of(host)["host0"]["healthy"], 10)
                load.await_good()
            self.no_failures(away.failures(*others), "the other hosts go on")
            self.assertTrue(away.failures(victim))

    def test_the_leader_of_three_etcds_is_killed(self):
        with self.loaded(etcd_size=3) as (cluster, load):
            leader = leader_of(cluster.etcd)
            with load.period() as away:
                leader.kill()
                time.sleep(6)   # heartbeats that do not arrive would have run out by now
                for host in cluster.members:
                    wait_for("heartbeats arrive through the others", lambda host=host: all(
                        one["healthy"] for one in ring_of(host).values()), 15)
                leader.start()
            self.no_failures(away.failures(), "with two etcds of three all goes on")

    def test_two_of_three_die(self):
        with self.loaded() as (cluster, load):
            left, *victims = cluster.members
            for victim in victims:
                victim.kill()
            with load.period(rounds=1):
                pass   # what is under way
            with load.period() as away:
                load_of_a_while()
                wait_for("the dead are unhealthy",
                         lambda: sum(one["healthy"] for one in ring_of(left).values()) == 1, 10)
                load_of_a_while()
            outcomes = away.outcomes(left)
            self.clear_failures([one for one in outcomes if of_writer(one)], "can't be reached", "live replicas", "unhealthy")
            self.clear_failures([one for one in outcomes if of_reader(one)], "can't be reached", "live replicas", "unhealthy")
            for victim in victims:
                victim.start()
            load.await_good()


class Microservices(Case):
    def test_each_kind_of_process_is_killed_once(self):
        cluster = many_hosts(*HEARTBEATS)
        gateway = cluster.members[0]
        with cluster, warnings_of(cluster):
            with ClusterLoad([gateway], writers=4, readers=2) as load:
                load.await_good()
                victims = {member.target: member for member in cluster.members}
                spared = {"ingester": (of_writer, of_reader), "distributor": (of_reader,),
                          "query-scheduler": (of_writer,), "querier": (of_writer,), "query-frontend": (of_writer,),
                          "gateway": ()}
                for target, unharmed in spared.items():
                    with self.subTest(target):
                        with load.period() as away:
                            victims[target].kill()
                            load_of_a_while()
                            victims[target].start()
                            load.await_good()
                        for kind in unharmed:
                            self.no_failures([one for one in away.failures() if kind(one)], f"without {target}")
                        with load.period(rounds=2) as back:
                            pass
                        self.no_failures(back.failures(), f"with {target} again")
            self.assertGreater(load.check_complete(), 0)


def load_of_a_while():
    time.sleep(1.5)


def leader_of(members):
    """The etcd that leads, as its metrics say."""
    def look():
        return next((one for one in members if "etcd_server_is_leader 1" in http("GET", one.url + "/metrics").text), None)
    return wait_for("a leader", look, 10)


if __name__ == "__main__":
    unittest.main()
