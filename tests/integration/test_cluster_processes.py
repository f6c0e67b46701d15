"""Processes of one component each that die, restart and freeze under load, and lose etcd: what is left goes on, nothing acknowledged is lost."""

import contextlib
import signal
import time
import unittest

from support.cluster import COMPONENTS, many_hosts, ring_of
from support.cluster_case import HEARTBEAT_TIMEOUT_S, HEARTBEATS, ClusterCase, load_of_a_while, warnings_of
from support.cluster_load import ClusterLoad, of_reader, of_writer
from support.servers import wait_for


class Microservices(ClusterCase):
    @contextlib.contextmanager
    def loaded(self, *flags, **of_cluster):
        """A process a component, or more, under load through the gateway; afterwards all that was acknowledged must be there."""
        cluster = many_hosts(*HEARTBEATS, *flags, **of_cluster)
        with cluster, warnings_of(cluster):
            with ClusterLoad(cluster.members[:1], writers=4, readers=2) as load:
                load.await_good()
                yield cluster, load
                load.await_good()
            self.assertGreater(load.check_complete(), 0)

    def test_each_kind_of_process_is_killed_once(self):
        with self.loaded() as (cluster, load):
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

    def test_a_rolling_restart_of_all_but_the_gateway(self):
        with self.loaded(others=2) as (cluster, load):
            for member in cluster.members[1:]:
                with load.period() as restart:
                    self.assertEqual(member.stop(), 0)
                    member.start()
                    load.await_good()
                self.no_failures(restart.failures(), f"while {member.folder.name} restarts")

    def test_each_process_but_the_gateway_freezes_for_a_while(self):
        with self.loaded(others=2) as (cluster, load):
            for member in cluster.members[1:]:
                with load.period() as frozen:
                    member.process.send_signal(signal.SIGSTOP)
                    time.sleep(3)
                    member.process.send_signal(signal.SIGCONT)
                    load.await_good()
                self.no_failures(frozen.failures(), f"while {member.folder.name} is frozen")

    def test_etcd_is_gone_for_long(self):
        with self.loaded("-common.kvstore.etcd.request-timeout=2s") as (cluster, load):
            with load.period() as away:
                cluster.etcd[0].kill()
                time.sleep(4 * HEARTBEAT_TIMEOUT_S)
                cluster.etcd[0].start()
                gateway, distributor = cluster.members[0], next(
                    one for one in cluster.members if one.target == "distributor")
                for ring in COMPONENTS:
                    reader = distributor if ring == "ingester" else gateway
                    wait_for("heartbeats arrive", lambda reader=reader, ring=ring: all(
                        one["healthy"] for one in ring_of(reader, ring).values()), 15)
            self.no_failures(away.failures(), "without etcd all goes on")


if __name__ == "__main__":
    unittest.main()
