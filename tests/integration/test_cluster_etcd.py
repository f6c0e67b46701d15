"""Etcd that goes away and comes back under a loaded cluster: what does not need it goes on, and nothing acknowledged is lost."""

import time
import unittest

from support.cluster import ring_of
from support.cluster_case import HEARTBEAT_TIMEOUT_S, ClusterCase
from support.servers import http, wait_for

# Longer than heartbeats, leases and requests to etcd last.
AWAY_S = 4 * HEARTBEAT_TIMEOUT_S
# An etcd that lost its leader holds a write for seconds: less than the heartbeats here have.
IMPATIENT = "-common.kvstore.etcd.request-timeout=2s"


class ThreeMonoliths(ClusterCase):
    def test_the_only_etcd_is_gone_for_long(self):
        with self.loaded(IMPATIENT) as (cluster, load):
            with load.period() as away:
                cluster.etcd[0].kill()
                time.sleep(AWAY_S)
                cluster.etcd[0].start()
                self.all_are_healthy(cluster)
                time.sleep(HEARTBEAT_TIMEOUT_S + 1)   # those that came back before must not be the last
                self.all_are_healthy(cluster)
            self.no_failures(away.failures(), "without etcd all goes on")

    def test_a_host_dies_and_comes_back_while_etcd_is_gone(self):
        with self.loaded(IMPATIENT) as (cluster, load):
            victim, *others = cluster.members
            with load.period() as away:
                cluster.etcd[0].kill()
                victim.kill()
                time.sleep(HEARTBEAT_TIMEOUT_S + 1)
                cluster.etcd[0].start()
                for host in others:
                    wait_for("the dead is found out", lambda host=host: not ring_of(host)["host0"]["healthy"], 15)
                victim.start()
                load.await_good()
                self.all_are_healthy(cluster)
            self.no_failures(away.failures(*others), "the other hosts go on")

    def test_two_etcds_of_three_are_gone_for_long(self):
        with self.loaded(IMPATIENT, etcd_size=3) as (cluster, load):
            with load.period() as away:
                for one in cluster.etcd[:2]:
                    one.kill()
                time.sleep(AWAY_S)
                for one in cluster.etcd[:2]:
                    one.start(wait=False)
                self.all_are_healthy(cluster)
            self.no_failures(away.failures(), "without a quorum of etcd all goes on")

    def test_the_leader_of_three_etcds_is_killed(self):
        with self.loaded(IMPATIENT, etcd_size=3) as (cluster, load):
            leader = leader_of(cluster.etcd)
            with load.period() as away:
                leader.kill()
                time.sleep(HEARTBEAT_TIMEOUT_S + 1)   # heartbeats that do not arrive would have run out by now
                self.all_are_healthy(cluster)
                leader.start()
            self.no_failures(away.failures(), "with two etcds of three all goes on")


def leader_of(members):
    """The etcd that leads, as its metrics say."""
    def look():
        return next((one for one in members if "etcd_server_is_leader 1" in http("GET", one.url + "/metrics").text), None)
    return wait_for("a leader", look, 10)


if __name__ == "__main__":
    unittest.main()
