"""A node changes its form while it serves: from one process to one process a component, and back.

MIMIR_ROUNDS sets how many round trips are made under load (default 4)."""

import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

from support.load import SERIES_A_WRITER, UNLIMITED, Load
from support.remote_write import request, series
from support.node import BESIDE, Node
from support.servers import BIN, wait_for

ROUNDS = int(os.environ.get("MIMIR_ROUNDS", "4"))


class MigrationCase(unittest.TestCase):
    def ctl(self, node, *arguments, code=0):
        finished = node.ctl(*arguments, timeout=120)
        self.assertEqual(code, finished.returncode, f"{arguments}: {finished.stdout}{finished.stderr}\n{node.log()[-3000:]}")
        return finished.stdout + finished.stderr

    def assert_form(self, node, mode):
        status = node.admin("GET", "v1/status").json
        self.assertEqual((mode, True), (status["mode"], status["ready"]), status)
        self.assertEqual(BESIDE if mode == "microservices" else [], node.processes("running"))
        self.assertEqual(1 + len(node.processes()), len(node.pids()), "processes that nobody keeps")

    def assert_proven(self, node):
        """The last migration's own report says that nothing was refused or lost."""
        report = node.ctl_json("migrate", "report")
        self.assertGreater(report["canaries"], 0, report)
        self.assertGreater(report["requests"], 0, report)
        self.assertEqual(
            (0, 0, "", report["canaries"], report["canaries"]),
            (report["requests_failed"], report["canaries_failed"], report["failure"],
             report["canaries_acknowledged"], report["canaries_readable"]), report)
        self.assertLess(report["longest_gap_ms"], 1000, report)

    def push_and_ask(self, node, name):
        """The node takes a sample and gives it back."""
        now = int(time.time() * 1000)
        answer = node.push(request(series({"__name__": name}, [(now, 7.0)])))
        self.assertEqual(200, answer.status, f"{name}: {answer.text}{node.log()[-3000:]}")
        found = node.result("query", query=name, time=now / 1000)["result"]
        self.assertEqual(["7"], [one["value"][1] for one in found])


class UnderLoadTest(MigrationCase):
    def test_round_trips(self):
        with Node(*UNLIMITED) as node, Load(node, readers=2) as load:
            with load.phase("warm up"):
                wait_for("first samples acknowledged", load.newest)
            for _ in range(ROUNDS):
                for mode in ("microservices", "monolithic"):
                    with load.phase(mode) as phase:
                        self.ctl(node, "migrate", mode)
                    self.assertEqual(([], []), (phase.failed_writes, phase.failed_reads), mode)
                    self.assert_form(node, mode)
                    self.assert_proven(node)
                    with load.phase(f"as {mode}") as phase:
                        pass
                    self.assertEqual(([], []), (phase.failed_writes, phase.failed_reads), f"as {mode}")
            load.stop()
            written = sum(len(writer.acknowledged) for writer in load.writers) * SERIES_A_WRITER
            self.assertEqual(written, load.check_nothing_lost())
            print(f"{ROUNDS} round trips, {written} samples acknowledged, each of them read once")


class StepsTest(MigrationCase):
    def test_what_a_plan_says_is_what_is_done(self):
        with Node() as node:
            self.assertIn("prove-process", self.ctl(node, "migrate", "plan", "microservices", code=10))
            self.assertEqual("monolithic", node.mode())
            plan = node.admin("POST", "v1/migrations", {"to": "microservices", "dry_run": True}).json
            operation = node.change("POST", "v1/migrations", {"to": "microservices"})
            self.assertEqual([(one["action"], one["subject"]) for one in plan["steps"]],
                             [(one["action"], one["subject"]) for one in operation["steps"]])
            self.assertEqual({"done"}, {one["state"] for one in operation["steps"]}, operation)
            self.assertIn("already", self.ctl(node, "migrate", "microservices"))
            self.assert_form(node, "microservices")
            self.assertIn("done", self.ctl(node, "migrate", "status"))
            self.assertIn("querier", self.ctl(node, "processes"))

    def test_a_rehearsal_changes_nothing(self):
        with Node() as node:
            before = node.admin("GET", "v1/target").json
            for mode in ("microservices", "monolithic"):
                said = self.ctl(node, "migrate", "apply", "microservices", "--rehearse")
                self.assertIn("a rehearsal", said)
                self.assert_form(node, "monolithic")
                after = node.admin("GET", "v1/target").json
                self.assertEqual((before["target"], before["stored"] if "stored" in before else None),
                                 (after["target"], after["stored"] if "stored" in after else None))
            self.push_and_ask(node, "after_rehearsal")

    def test_one_that_is_held_can_be_completed_or_rolled_back(self):
        with Node() as node:
            self.ctl(node, "migrate", "microservices", "--hold")
            self.assertEqual(BESIDE, node.processes("running"))
            self.push_and_ask(node, "while_held")
            second = node.admin("POST", "v1/migrations", {"to": "monolithic"})
            self.assertEqual((409, "migration-under-way"), (second.status, second.json["code"]))
            self.assertIn("op-1", second.json["why"])
            self.assertEqual(5, node.ctl("migrate", "monolithic").returncode)
            self.assertIn("undone", self.ctl(node, "migrate", "rollback"))
            self.assert_form(node, "monolithic")
            self.ctl(node, "migrate", "microservices", "--hold")
            self.assertIn("done", self.ctl(node, "migrate", "complete"))
            self.assert_form(node, "microservices")
            self.ctl(node, "migrate", "rollback")
            self.assert_form(node, "monolithic")
            self.assertEqual(3, node.ctl("migrate", "resume").returncode)

    def test_who_waits_may_go_away(self):
        with Node() as node:
            watching = subprocess.Popen(
                [BIN / "mimirctl", "--socket", node.socket, "migrate", "microservices"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            wait_for("it began", lambda: node.admin("GET", "v1/migrations").json)
            watching.send_signal(signal.SIGINT)
            said, _ = watching.communicate(timeout=30)
            self.assertIn(watching.returncode, (0, 130), said)
            self.assertEqual("done", node.ended("op-1")["state"])
            self.assert_form(node, "microservices")


class RestartTest(MigrationCase):
    def test_the_form_outlives_restarts(self):
        with Node() as node:
            self.ctl(node, "migrate", "microservices")
            self.push_and_ask(node, "first")
            self.assertEqual(0, node.stop())
            self.assertEqual([], node.pids(), "processes outlive an orderly end of their primary")
            node.start()
            wait_for("processes", lambda: node.processes("running") == BESIDE)
            self.assert_form(node, "microservices")
            self.push_and_ask(node, "second")

            pids = {name: node.pid_of(name) for name in BESIDE}
            node.kill()
            node.start()
            wait_for("processes", lambda: node.processes("running") == BESIDE)
            self.assertEqual(pids, {name: node.pid_of(name) for name in BESIDE}, "they are taken over as they are")
            self.push_and_ask(node, "third")

            node.kill_all()   # as a reboot does
            node.start()
            wait_for("processes", lambda: node.processes("running") == BESIDE)
            self.assert_form(node, "microservices")
            self.push_and_ask(node, "fourth")
            self.ctl(node, "migrate", "monolithic")
            self.assert_form(node, "monolithic")

    def test_a_reload_reaches_all_processes(self):
        with Node() as node:
            file = node.folder / "mimird.yaml"
            file.write_text("limits: {max_label_names_per_series: 30}\n")
            node.stop()
            node.flags.append(f"-config.file={file}")
            node.start()
            self.ctl(node, "migrate", "microservices")
            labels = {"__name__": "labels", "a": "1", "b": "2"}
            now = int(time.time() * 1000)
            self.assertEqual(200, node.push(request(series(labels, [(now, 1.0)]))).status)
            file.write_text("limits: {max_label_names_per_series: 2}\n")
            self.ctl(node, "config", "reload")
            wait_for("the distributor's process has the new limit", lambda: node.push(
                request(series(labels, [(now + 1, 1.0)]))).status == 400)

    def test_a_process_that_dies_comes_back(self):
        with Node() as node:
            self.ctl(node, "migrate", "microservices")
            for name in BESIDE:
                pid = node.pid_of(name)
                os.kill(pid, signal.SIGKILL)
                wait_for(f"{name} is back", lambda: node.pid_of(name) not in (0, pid) and node.processes("running") == BESIDE)
                wait_for(f"{name} serves again", lambda: self.serves(node))

    def serves(self, node):
        now = int(time.time() * 1000)
        if node.push(request(series({"__name__": "again"}, [(now, 7.0)]))).status != 200:
            return False
        answer = node.api("query", query="again", time=now / 1000)
        return answer.status == 200 and len(answer.json["data"]["result"]) == 1

    def test_the_primary_may_be_killed_at_each_step(self):
        """Wherever it ends, its next start serves in one form or the other, with nothing left over."""
        with Node() as node:
            killed = 0
            for mode in ("microservices", "monolithic"):
                steps = node.admin("POST", "v1/migrations", {"to": mode, "dry_run": True}).json["steps"]
                for step in range(len(steps)):
                    if node.mode() == mode:
                        self.ctl(node, "migrate", "rollback")
                    if self.kill_at(node, mode, step):
                        killed += 1
                if node.mode() != mode:
                    self.ctl(node, "migrate", mode)
                self.assert_form(node, mode)
            print(f"killed {killed} times in a migration")
            self.assertGreater(killed, 10)

    def kill_at(self, node, mode, step):
        """Whether the migration was under way."""
        self.push_and_ask(node, "before_kill")
        begun = node.admin("POST", "v1/migrations", {"to": mode}).json["operation"]["id"]

        def is_there():
            operation = node.admin("GET", f"v1/operations/{begun}").json
            states = [one["state"] for one in operation["steps"]]
            return operation if len(states) > step and states[step] != "planned" else None
        seen = wait_for(f"step {step}", is_there)
        node.kill()
        node.start()
        operation = node.admin("GET", f"v1/operations/{begun}").json
        self.assertIn(operation["state"], ("done", "failed"), operation)
        if operation["state"] == "failed":
            self.assertEqual("operation-interrupted", operation["code"], operation)
        form = mode if operation["state"] == "done" else {"microservices": "monolithic"}.get(mode, "microservices")
        expected = BESIDE if form == "microservices" else []
        wait_for(f"the processes of {form}", lambda: node.processes("running") == expected == node.processes())
        wait_for("nothing is left over", lambda: len(node.pids()) == 1 + len(expected))
        wait_for("no operation is under way", lambda: all(
            one["state"] in ("done", "failed", "canceled") for one in node.admin("GET", "v1/operations").json))
        self.assert_form(node, form)
        self.push_and_ask(node, "after_kill")
        return seen["state"] == "running"


class TroubleTest(MigrationCase):
    def test_a_process_that_cannot_start_is_undone(self):
        with Node() as node:
            # A folder is where its socket would be.
            (node.folder / "querier.sock").mkdir()
            said = self.ctl(node, "migrate", "microservices", code=1)
            self.assertIn("querier", said)
            self.assert_form(node, "monolithic")
            self.push_and_ask(node, "after_trouble")
            (node.folder / "querier.sock").rmdir()
            self.ctl(node, "migrate", "microservices")
            self.assert_form(node, "microservices")

    def test_a_process_that_is_killed_meanwhile_is_undone_or_done(self):
        with Node() as node:
            for name in BESIDE:
                begun = node.admin("POST", "v1/migrations", {"to": "microservices"}).json["operation"]["id"]
                wait_for(f"{name} begins", lambda: name in node.processes() and node.pid_of(name))
                os.kill(node.pid_of(name), signal.SIGKILL)
                operation = node.ended(begun)
                self.assertIn(operation["state"], ("done", "failed"), operation)
                if operation["state"] == "done":
                    wait_for("it is back", lambda: node.processes("running") == BESIDE)
                    self.ctl(node, "migrate", "monolithic")
                self.assert_form(node, "monolithic")
                self.push_and_ask(node, "after_child_kill")

    @unittest.skipUnless(os.geteuid() == 0, "mounting a small tmpfs needs root")
    def test_a_full_disk_stops_a_migration_and_nothing_else(self):
        disk = pathlib.Path(tempfile.mkdtemp(prefix="mimird-it-disk-"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", disk], check=True)
        self.addCleanup(lambda: (subprocess.run(["umount", "-l", disk], check=True), disk.rmdir()))
        ballast = disk / "ballast"

        def fill():
            with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * 4096)
        with Node(state=disk / "node") as node:
            self.ctl(node, "migrate", "microservices", "--hold")
            fill()
            said = self.ctl(node, "migrate", "complete", code=5)
            self.assertIn("journal", said)
            self.assertEqual("paused", node.admin("GET", "v1/operations/op-1").json["state"])
            self.push_and_ask(node, "on_a_full_disk")
            ballast.unlink()
            self.ctl(node, "migrate", "complete")
            self.assert_form(node, "microservices")
            fill()
            refused = node.ctl("migrate", "monolithic")
            self.assertEqual(5, refused.returncode, refused.stderr)
            self.assertIn("disk", refused.stderr)
            self.assert_form(node, "microservices")
            self.push_and_ask(node, "on_a_full_disk_again")
            ballast.unlink()
            self.ctl(node, "migrate", "monolithic")
            self.assert_form(node, "monolithic")

    def test_what_others_see_of_a_process_that_is_gone(self):
        with Node() as node:
            self.ctl(node, "migrate", "microservices")
            self.assertIn("process beside", self.ctl(node, "explain", "querier"))
            os.kill(node.pid_of("querier"), signal.SIGKILL)
            wait_for("it is missed", lambda: node.processes("running") != BESIDE)
            self.assertIn("querier is waiting: killed by signal 9", self.ctl(node, "doctor", code=8))

    def test_a_process_beside_is_no_node(self):
        with Node() as node:
            self.ctl(node, "migrate", "microservices")
            child = node.admin("GET", "v1/processes").json[0]["admin_socket"]
            finished = subprocess.run([BIN / "mimirctl", "--socket", child, "migrate", "monolithic"],
                                      capture_output=True, text=True, timeout=60)
            self.assertEqual(5, finished.returncode, finished.stderr)
            self.assertIn("primary", finished.stderr)
            self.assertEqual(2, node.ctl("migrate", "plan", "microservice").returncode)


if __name__ == "__main__":
    unittest.main()
