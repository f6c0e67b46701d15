"""A scaled-out monolith becomes microservices one host after another, under load, and back."""

import os
import signal
import subprocess
import unittest

from support.cluster_case import ClusterCase
from support.node import BESIDE
from support.servers import wait_for


def processes(host):
    return sorted(one["name"] for one in host.admin("GET", "v1/processes").json if one["state"] == "running")


def end_processes(cluster):
    """Those beside hosts that were killed."""
    found = subprocess.run(["pgrep", "-f", str(cluster.folder)], capture_output=True, text=True)
    for pid in found.stdout.split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass


class HostByHostTest(ClusterCase):
    def migrate(self, host, mode):
        finished = host.ctl("migrate", mode, timeout=120)
        # 8: it was started with -target, which wins over what is stored.
        self.assertIn(finished.returncode, (0, 8), f"{host.name}: {finished.stdout}{finished.stderr}{host.log()[-2000:]}")
        self.assertEqual(mode, host.admin("GET", "v1/status").json["mode"])
        self.assertEqual(BESIDE if mode == "microservices" else [], processes(host))

    def test_there_and_back_with_the_same_command(self):
        with self.loaded() as (cluster, load):
            self.addCleanup(end_processes, cluster)
            self.all_are_healthy(cluster)
            with load.period() as migrations:
                for mode in ("microservices", "monolithic"):
                    for host in cluster.members:
                        self.migrate(host, mode)
            self.no_failures(migrations.failures(*cluster.members), "while hosts migrate")
            self.all_are_healthy(cluster)

    def test_one_host_at_a_time_may_be_stopped(self):
        with self.loaded() as (cluster, load):
            self.all_are_healthy(cluster)
            first, second, third = cluster.members
            yes = first.ctl("ok-to-stop")
            self.assertEqual((0, True), (yes.returncode, "yes" in yes.stderr), yes.stderr)
            self.assertEqual(0, first.ctl("ok-to-stop").returncode, "who has the yes may ask again")
            no = second.ctl("ok-to-stop")
            self.assertEqual((5, True), (no.returncode, first.name in no.stderr), no.stderr)
            first.stop()
            wait_for("its end is seen", lambda: second.ctl("ok-to-stop").returncode == 5)
            first.start()
            self.all_are_healthy(cluster)
            self.assertEqual(5, third.ctl("ok-to-stop").returncode, "the yes is still its own")
            self.assertEqual(0, first.ctl("ok-to-stop", "--release").returncode)
            self.assertEqual(0, third.ctl("ok-to-stop").returncode)
            first.kill()
            wait_for("it is missed", lambda: "can't be counted on" in third.ctl("ok-to-stop").stderr)
            first.start()
            self.all_are_healthy(cluster)


if __name__ == "__main__":
    unittest.main()
