"""kill -9 at every journal row of every kind of operation: the next start ends in the state before or after, never between.

Each operation is first watched, to see which transactions it makes. Then it is asked for again and again, and mimird killed
at each of them: before any of it is in the file, and when all of it is but mimird does not know yet. FULL=1 also kills at
each write between, and takes larger operations."""

import concurrent.futures
import contextlib
import os
import time
import unittest

from support.remote_write import request, series
from support.servers import Mimird, wait_for
from support.strace import ADMIN, BEGIN, MANAGER, OPERATIONS, SYNC, Delay, Killing, Recorder

FULL = bool(os.environ.get("FULL"))
WORKERS = 2
DELAY_S = 1.0   # of a start that is to be slow, where it cannot be as long as it needs to be
ENDED = ("done", "failed", "canceled")


class Node(Mimird):
    """With a configuration file, and a sample written whenever it can be."""

    def __init__(self):
        super().__init__()
        self.config = self.folder / "mimird.yaml"
        self.max_samples = 1_000_000
        self.configure()
        self.flags = [f"-config.file={self.config}"]
        self.acknowledged = []
        self.start_ms = int(time.time() * 1000) - 600_000

    def configure(self):
        self.config.write_text(f"querier:\n  max_samples: {self.max_samples}\n")

    def write(self):
        time_ms = self.start_ms + len(self.acknowledged)
        answer = self.push(request(series({"__name__": "kept"}, [(time_ms, float(time_ms % 1009))])))
        assert answer.status == 200, answer.text
        self.acknowledged.append(time_ms)

    def kept(self):
        """The samples that are there, by their time stamps."""
        end = self.start_ms + len(self.acknowledged) + 10
        data = self.result("query", query="kept[30m]", time=end / 1000)["result"]
        return [round(time * 1000) for time, _ in data[0]["values"]] if data else []

    def running(self):
        return {one["name"] for one in self.admin("GET", "v1/modules").json if one["state"] == "running"}

    def set_target(self, target):
        """Live; None: the configured one."""
        done = (self.change("PUT", "v1/target", {"target": target}) if target else self.change("DELETE", "v1/target"))
        assert done is None or done["state"] == "done", done

    def operations(self):
        """Oldest first."""
        return self.admin("GET", "v1/operations?limit=1000").json[::-1]

    def steps(self, operation):
        """How far each is."""
        return [one["state"] for one in self.admin("GET", f"v1/operations/{operation}").json["steps"]]

    def modules_of(self, target):
        """What runs for a target, or for several joined by commas."""
        of = {one["name"]: one["modules"] for one in self.admin("GET", "v1/targets").json}
        always = {one["name"] for one in self.admin("GET", "v1/modules").json if one["always"]}
        return always.union(*(of[name] for name in target.split(",")))


class Kind:
    """One kind of operation: how it is brought about, and what it changes."""

    before = None   # the stored target that it begins with, and ends with unless it is done
    after = None    # the one when it is done
    slow = False    # whether its first start of a module takes until all phases are over
    outcome = "done"   # when nobody kills
    rows = 7           # at least so many transactions: asked, pending, plan, step begins, step ended, ended, outcome

    def prepare(self, node):
        """What else must be so before; `before` runs."""

    def phases(self):
        """One after another, each with the node, and what the one before returned; the first returns the operation's id."""
        raise NotImplementedError

    def check(self, test, node, new):
        """What else must be so after a kill and a start; new: the operations since the node was prepared."""

    def given_back(self, node):
        """Called before the node is used for something else."""


def begin(node, method, path, body=None):
    answer = node.admin(method, path, body or {})
    assert answer.status in (200, 202), answer.text
    return answer.json["operation"]["id"]


class Change(Kind):
    def __init__(self, verb, module, cascade=False, stopped=()):
        self.verb, self.module, self.cascade, self.stopped = verb, module, cascade, stopped

    def prepare(self, node):
        for module in self.stopped:
            node.change("POST", f"v1/modules/{module}/stop")

    def phases(self):
        return [lambda node, _: begin(node, "POST", f"v1/modules/{self.module}/{self.verb}", {"cascade": self.cascade})]


class SetTarget(Kind):
    def __init__(self, before, after, rows=9):
        self.before, self.after, self.rows = before, after, rows

    def phases(self):
        return [lambda node, _: begin(node, "PUT", "v1/target", {"target": self.after})]


class ResetTarget(Kind):
    before, rows = "ingester", 9

    def phases(self):
        return [lambda node, _: begin(node, "DELETE", "v1/target")]


class Reload(Kind):
    """There is no state before to go back to: a start reads the file as it is now."""

    rows = 9

    def prepare(self, node):
        node.max_samples += 1
        node.configure()

    def phases(self):
        return [lambda node, _: begin(node, "POST", "v1/config/reload")]

    def check(self, test, node, new):
        test.assertIn(f"max_samples: {node.max_samples}", node.admin("GET", "v1/config").json["yaml"])
        test.assertLessEqual({one["state"] for one in new}, {"done"}, new)


class Failing(Kind):
    """The ingester cannot start while a file is where its folder should be."""

    before, after, outcome, rows = "querier,distributor", "ingester,querier,distributor", "failed", 7

    def prepare(self, node):
        node.data.rename(node.folder / "away")
        node.data.touch()

    def given_back(self, node):
        node.data.unlink()
        (node.folder / "away").rename(node.data)

    def phases(self):
        return [lambda node, _: begin(node, "PUT", "v1/target", {"target": self.after})]


class Canceled(Kind):
    """The first step takes a while, and in that time somebody changes his mind."""

    before, after, outcome, slow, rows = "querier", "ingester,querier,distributor", "canceled", True, 8

    def phases(self):
        return [lambda node, _: begin(node, "PUT", "v1/target", {"target": self.after}), self.cancel]

    def cancel(self, node, operation):
        wait_for("the start", lambda: "running" in node.steps(operation), 5)
        node.admin("POST", f"v1/operations/{operation}/cancel", {})
        return operation


class CanceledWaiting(Canceled):
    """Canceled before its turn came."""

    before, after, rows = "querier", "distributor", 13

    def phases(self):
        return [self.begin_both, self.cancel]

    def begin_both(self, node, _):
        self.first = begin(node, "PUT", "v1/target", {"target": "ingester,querier"})
        return begin(node, "PUT", "v1/target", {"target": self.after})

    def cancel(self, node, operation):
        node.admin("POST", f"v1/operations/{operation}/cancel", {})
        return operation


class Round:
    """One life and death of a node in which one operation is asked for."""

    def __init__(self, test, node, kind):
        self.test, self.node, self.kind = test, node, kind
        node.write()
        node.set_target(kind.before)
        kind.prepare(node)
        self.known = {one["id"] for one in node.operations()}
        self.audited = max((one["seq"] for one in node.admin("GET", "v1/audit?limit=1").json), default=0)
        self.acknowledged = None
        self.phase_ends = []

    def run(self, block, phase, holds_manager):
        """Does it all, in the block from that phase on; whether mimird has lived through it."""
        with contextlib.ExitStack() as stack:
            delay = Delay(self.node, 20) if self.kind.slow and not holds_manager else None
            with contextlib.suppress(OSError):   # when mimird dies
                if delay:
                    stack.enter_context(delay)
                for index, one in enumerate(self.kind.phases()):
                    if index == phase:
                        stack.enter_context(block)
                    self.acknowledged = one(self.node, self.acknowledged)
                    self.phase_ends.append(time.time())
                if delay:
                    delay.let_go()
                wait_for("all outcomes in the audit log", self.are_audited, 10)
                return True
            if delay:
                delay.let_go()   # a process has not ended while a thread of it is held
            self.node.process.wait(10)
        return False

    def are_audited(self):
        """The last that is written of each operation."""
        asked = {one["id"] for one in self.node.operations()} - self.known
        entries = self.node.admin("GET", "v1/audit?limit=20").json
        return asked == {one["subject"] for one in entries if one["subject"] in asked and one["outcome"] in ENDED}

    def record(self, phase):
        """The points of the rows that are written when nothing goes wrong. Rows of threads that serve requests are counted
        from the beginning of their phase, since it is chance which of them gets one; others from the beginning of all."""
        first = phase == 0
        names = (ADMIN, MANAGER, OPERATIONS) if first else (ADMIN,)
        recorder = Recorder(self.node, names, DELAY_S if self.kind.slow and first else 0)
        self.test.assertTrue(self.run(recorder, phase, holds_manager=first), self.node.log()[-2000:])
        operation = self.node.operations()[-1]
        self.test.assertEqual(self.kind.outcome, operation["state"], operation)
        return [points for begin, points in recorder.rows
                if points[0].thread != ADMIN or begin < self.phase_ends[phase]]

    def kill_at(self, point, phase):
        holds_manager = point.thread == MANAGER
        block = Killing(self.node, point, DELAY_S if self.kind.slow and holds_manager else 0)
        lived = self.run(block, phase, holds_manager)
        self.test.assertFalse(lived, f"mimird did not come by {point} in phase {phase}")

    def check(self):
        """Starts mimird again: how the operation ended, or None when nothing is known of it."""
        test, node, kind = self.test, self.node, self.kind
        node.kill()
        node.start()
        new = [one for one in node.operations() if one["id"] not in self.known]
        for one in node.operations():
            test.assertIn(one["state"], ENDED, one)
        if self.acknowledged:
            test.assertIn(self.acknowledged, [one["id"] for one in new])

        stored = kind.before
        for one in new:
            self.check_record(one)
            if one["state"] == "done" and one["kind"].endswith("-target"):
                stored = one["summary"].removeprefix("set-target ") if one["kind"] == "set-target" else None
        said = {one["subject"] for one in node.admin("GET", "v1/events").json if one["kind"] == "daemon"}
        test.assertEqual({one["id"] for one in new if "mimird ended" in one["note"]}, said)

        target = node.admin("GET", "v1/target").json
        test.assertEqual(stored, target.get("stored"))
        test.assertEqual(stored or "all", target["target"])
        test.assertEqual(node.modules_of(stored or "all"), node.running())
        kind.check(test, node, new)
        self.check_files()
        self.check_audit(new)
        kind.given_back(node)
        node.set_target(None)
        test.assertEqual(node.acknowledged, node.kept())
        return new[-1] if new else None

    def check_record(self, operation):
        states = [one["state"] for one in operation["steps"]]
        if operation["state"] == "done":
            self.test.assertEqual({"done"}, {"done", *states}, operation)
        else:
            self.test.assertLessEqual(set(states), {"undone", "skipped", "failed"}, operation)
            self.test.assertTrue(operation["error"], operation)
        interrupted = operation["code"] == "operation-interrupted"
        self.test.assertEqual(interrupted, operation["state"] == "failed" and "mimird ended" in operation["note"], operation)

    def check_files(self):
        node = self.node
        shared = {"cluster-local", "rpc", "kv.sqlite", "kv.sqlite-wal", "kv.sqlite-shm", "kv.sqlite.lock"}
        self.test.assertLessEqual(
            {one.name for one in node.state.iterdir()}, {"journal.db", "journal.db-wal"} | shared)
        left = [str(one) for one in node.folder.rglob("*") if "tmp" in one.relative_to(node.folder).as_posix()]
        self.test.assertEqual([], left)

    def check_audit(self, new):
        checks = {one["name"]: one for one in self.node.admin("GET", "v1/doctor").json}
        self.test.assertEqual("ok", checks["journal"]["state"], checks["journal"])
        entries = self.node.admin("GET", f"v1/audit?after={self.audited}&limit=1000").json
        asked = [one["action"] for one in entries if one["outcome"] == "requested"]
        for one in new:
            self.test.assertIn(one["kind"], asked)   # nothing is begun that is not in the audit log
            asked.remove(one["kind"])


class OperationsKillTest(unittest.TestCase):
    maxDiff = None

    def sweep(self, make):
        """Kills at every row of the kind of operation that make() returns, with some nodes side by side."""
        kind = make()
        with contextlib.ExitStack() as stack:
            nodes = [stack.enter_context(Node()) for _ in range(WORKERS)]
            points, rows = [], 0
            for phase in range(len(kind.phases())):
                record = Round(self, nodes[0], make())
                seen = record.record(phase)
                record.check()   # killed after its last row, too
                rows += len(seen)
                points += [(phase, point) for row in seen for point in row if FULL or point.call in (BEGIN, SYNC)]
            self.assertGreaterEqual(rows, kind.rows)
            ended, failures = [], []
            with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
                for n in range(WORKERS):
                    pool.submit(self.kill_at_each, nodes[n], make, points[n::WORKERS], ended, failures)
            self.assertEqual([], failures)
            self.assertEqual(len(points), len(ended))
            recovered = sum("mimird ended" in one["note"] for one in ended if one)
            self.assertGreater(recovered, 1)
            self.assertLessEqual({"unknown", kind.outcome}, {one["state"] if one else "unknown" for one in ended})
        print(f"{rows} rows, {len(points)} kills, {recovered} ended by the next start", end=" ", flush=True)

    def kill_at_each(self, node, make, points, ended, failures):
        for phase, point in points:
            try:
                one = Round(self, node, make())
                one.kill_at(point, phase)
                ended.append(one.check())
            except Exception as error:
                failures.append(f"in phase {phase} at {point}: {error!r}")
                return

    def test_start(self):
        self.sweep(lambda: Change("start", "querier", stopped=["querier"]))

    def test_stop(self):
        self.sweep(lambda: Change("stop", "querier"))

    def test_restart(self):
        self.sweep(lambda: Change("restart", "ingester"))

    @unittest.skipUnless(FULL, "takes FULL=1")
    def test_restart_of_what_all_need(self):
        self.sweep(lambda: Change("restart", "runtime-config"))

    def test_set_target_to_fewer(self):
        self.sweep(lambda: SetTarget(None, "ingester,distributor"))

    def test_set_target_to_more(self):
        self.sweep(lambda: SetTarget("ingester", "ingester,distributor"))

    def test_set_target_to_others(self):
        self.sweep(lambda: SetTarget("querier", "ingester"))

    def test_reset_target(self):
        self.sweep(ResetTarget)

    def test_reload_config(self):
        self.sweep(Reload)

    def test_a_failing_one(self):
        self.sweep(Failing)

    def test_a_canceled_one(self):
        self.sweep(Canceled)

    def test_one_canceled_while_it_waits(self):
        self.sweep(CanceledWaiting)


class EndWithOperationsTest(unittest.TestCase):
    """mimird ends while one operation runs and others wait."""

    def begin(self, node):
        """An operation whose first start takes a while, and two that wait for it; their ids."""
        node.set_target("querier")
        self.enterContext(Delay(node, 1.0))
        targets = ["ingester,querier", "distributor", "ingester"]
        asked = [begin(node, "PUT", "v1/target", {"target": target}) for target in targets]
        wait_for("the first step", lambda: node.steps(asked[0]) == ["running", "planned"], 5)
        return asked

    def after_start(self, node, asked):
        """How they ended, as the next process says it, and what that runs."""
        node.start()
        self.assertEqual("querier", node.admin("GET", "v1/target").json["stored"])
        self.assertEqual(node.modules_of("querier"), node.running())
        return [node.ended(one) for one in asked]

    def test_sigterm_cancels_them(self):
        with Node() as node:
            asked = self.begin(node)
            self.assertEqual(0, node.stop())
            for one in self.after_start(node, asked):
                self.assertEqual("canceled", one["state"], one)
                self.assertNotIn("mimird ended", one["note"])   # it was the process itself that ended them
            for one in asked[1:]:
                self.assertIn("before it began", node.ended(one)["error"])
            self.assertEqual(["undone", "skipped"], node.steps(asked[0]))
            outcomes = {one["subject"]: one["outcome"] for one in node.admin("GET", "v1/audit").json}
            self.assertEqual(["canceled"] * 3, [outcomes.get(one) for one in asked])

    def test_sigterm_lets_a_committed_one_end(self):
        with Node() as node:
            operation = begin(node, "PUT", "v1/target", {"target": "ingester"})
            wait_for("the point of no return", lambda: "done" in node.steps(operation), 5)
            self.assertEqual(0, node.stop())
            node.start()
            ended = node.ended(operation)
            self.assertEqual(("done", "ingester"), (ended["state"], node.admin("GET", "v1/target").json["stored"]), ended)
            self.assertEqual(node.modules_of("ingester"), node.running())

    def test_kill_9_fails_them(self):
        with Node() as node:
            asked = self.begin(node)
            node.kill()
            for one in self.after_start(node, asked):
                self.assertEqual(("failed", "operation-interrupted"), (one["state"], one["code"]), one)
            self.assertIn("at step 1 of 2 (start ingester)", node.ended(asked[0])["note"])
            for one in asked[1:]:
                self.assertIn("before it began", node.ended(one)["note"])


class RepetitionTest(unittest.TestCase):
    def test_what_is_done_already_is_not_begun_again(self):
        with Node() as node:
            for method, path, body in (("PUT", "v1/target", {"target": "ingester,querier"}),
                                       ("POST", "v1/modules/querier/stop", {}),
                                       ("POST", "v1/modules/querier/start", {})):
                self.assertEqual("done", node.change(method, path, body)["state"])
                again = node.admin(method, path, body)
                self.assertEqual((200, False), (again.status, again.json["changed"]), again.text)
                self.assertIn("already", again.json["message"])
            self.assertEqual(3, len(node.operations()))


if __name__ == "__main__":
    unittest.main()
