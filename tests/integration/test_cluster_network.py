"""A network that is cut or slow, a host that is frozen, clocks that differ, under load: writes succeed while a quorum is
reached, queries are complete or fail clearly, nothing acknowledged is lost."""

import email.utils
import signal
import statistics
import time
import unittest

from support.cluster import ring_of
from support.cluster_case import HEARTBEAT_TIMEOUT_S, ClusterCase
from support.cluster_load import of_reader, of_writer
from support.network import Network
from support.servers import BIN, http, wait_for

# Longer than it takes to find out that a peer does not answer: 2 s a write, 5 s a question whether it lives.
CUT_S = 12
# A silent querier is given up after 7 s: a write to it that failed after 2 s, and a question that was not answered in 5 s.
# After that an ingester may be silent for 3 s before another is asked.
SLOWEST_READ_S = 15


class NetworkOfThree(ClusterCase):
    def test_a_cut_between_two(self):
        with Network(3) as network, self.loaded(network=network) as (cluster, load):
            one, other, _ = cluster.members
            with load.period() as cut:
                network.cut(one, other)
                time.sleep(CUT_S)
                network.mend()
                load.await_good()
            self.assertEqual(network.held, {(one, other), (other, one)})
            self.no_failures(cut.failures(), "each reaches two replicas of three")
            self.assertLess(cut.slowest(), SLOWEST_READ_S)

    def test_a_host_that_is_cut_off_from_both_others(self):
        with Network(3) as network, self.loaded(network=network) as (cluster, load):
            lonely, *others = cluster.members
            with load.period() as cut:
                for other in others:
                    network.cut(lonely, other)
                time.sleep(CUT_S)
                network.mend()
                load.await_good()
            self.no_failures(cut.failures(*others), "the other hosts go on")
            self.assertLess(cut.slowest(*others), SLOWEST_READ_S)
            for of_kind in (of_writer, of_reader):
                self.clear_failures([one for one in cut.failures(lonely) if of_kind(one)],
                                    "deadline passed", "can't be reached", "whether it lives", "timed out")

    def test_a_host_that_answers_slowly(self):
        with Network(3) as network, self.loaded(network=network) as (cluster, load):
            slow, *others = cluster.members
            with load.period() as slowed:
                network.slow(slow, 0.5)
                time.sleep(8)
                network.mend()
            self.no_failures(slowed.failures(), "slow is no failure")
            seconds = [one.seconds for one in slowed.outcomes(*others) if of_writer(one)]
            self.assertLess(statistics.median(seconds), 0.5, "the quorum does not wait for the slow one")


class FrozenHostOfThree(ClusterCase):
    def test_a_host_that_freezes_for_a_while(self):
        with self.loaded() as (cluster, load):
            victim, *others = cluster.members
            with load.period() as frozen:
                victim.process.send_signal(signal.SIGSTOP)
                for host in others:
                    wait_for("the frozen is unhealthy", lambda host=host: not ring_of(host)["host0"]["healthy"], 10)
                time.sleep(3)
                victim.process.send_signal(signal.SIGCONT)
                load.await_good()
            self.no_failures(frozen.failures(*others), "the other hosts go on")
            self.assertLess(frozen.slowest(*others), SLOWEST_READ_S)


class ClocksOfThree(ClusterCase):
    OFFSETS_S = (60, -60, 0)

    def prepare(self, cluster):
        for host, offset in zip(cluster.members, self.OFFSETS_S):
            host.environment = {"LD_PRELOAD": BIN / "libskewed_clock.so", "SKEWED_CLOCK_S": str(offset)}

    def test_clocks_that_are_a_minute_off(self):
        with self.loaded(back_s=5) as (cluster, load):
            for host, offset in zip(cluster.members, self.OFFSETS_S):
                date = email.utils.parsedate_to_datetime(http("GET", host.url + "/ready").headers["Date"])
                self.assertAlmostEqual(date.timestamp(), time.time() + offset, delta=5)
            with load.period() as skewed:
                time.sleep(HEARTBEAT_TIMEOUT_S + 1)
                self.all_are_healthy(cluster)
            self.no_failures(skewed.failures(), "clocks may differ")


if __name__ == "__main__":
    unittest.main()
