"""Processes and hosts that die and restart under load: nothing acknowledged is lost, and what is left goes on."""

import time
import unittest

from support.cluster import many_hosts, ring_of
from support.cluster_case import HEARTBEATS, ClusterCase, warnings_of
from support.cluster_load import ClusterLoad, of_reader, of_writer
from support.servers import wait_for


class ThreeMonoliths(ClusterCase):
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
            self.clear_failures([one for one in outcomes if of_writer(one)], "can't be reached", "live replicas", "unhealthy")
            self.clear_failures([one for one in outcomes if of_reader(one)], "can't be reached", "live replicas", "unhealthy")
            for victim in victims:
                victim.start()
            load.await_good()


class Microservices(ClusterCase):
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


    def test_a_rolling_restart_of_all_but_the_gateway(self):
        cluster = many_hosts(*HEARTBEATS, others=2)
        gateway, *members = cluster.members
        with cluster, warnings_of(cluster):
            with ClusterLoad([gateway], writers=4, readers=2) as load:
                load.await_good()
                for member in members:
                    with load.period() as restart:
                        self.assertEqual(member.stop(), 0)
                        member.start()
                        load.await_good()
                    self.no_failures(restart.failures(), f"while {member.folder.name} restarts")
            self.assertGreater(load.check_complete(), 0)


def load_of_a_while():
    time.sleep(1.5)


if __name__ == "__main__":
    unittest.main()
