"""Hosts that die and restart under load: nothing acknowledged is lost, and what is left goes on."""

import unittest

from support.cluster import ring_of
from support.cluster_case import ClusterCase, load_of_a_while
from support.cluster_load import of_reader, of_writer
from support.servers import wait_for


class ThreeMonoliths(ClusterCase):
    FEWER_THAN_TWO = ("Connection refused", "can't be reached", "live replicas", "unhealthy")

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

    def test_a_rolling_restart(self):
        with self.loaded() as (cluster, load):
            for host in cluster.members:
                others = [other for other in cluster.members if other is not host]
                with load.period() as restart:
                    self.assertEqual(host.stop(), 0)
                    host.start()
                    load.await_good()
                self.no_failures(restart.failures(*others), f"while {host.name} restarts")

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
            self.clear_failures([one for one in outcomes if of_writer(one)], *self.FEWER_THAN_TWO)
            self.clear_failures([one for one in outcomes if of_reader(one)], *self.FEWER_THAN_TWO)
            for victim in victims:
                victim.start()
            load.await_good()


if __name__ == "__main__":
    unittest.main()
