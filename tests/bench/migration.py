#!/usr/bin/env python3
"""Measures what a node's change of form does to those who use it: 20,000 samples a second over 100,000 active series, and
10 queries a second, while it becomes microservices and a monolith again.

    tests/bench/migration.py                 five round trips
    tests/bench/migration.py --rounds=200    a soak: memory, descriptors and threads of the primary must come back

Exits with 1 when anything failed, was lost, or did not come back.
"""

import argparse
import atexit
import json
import pathlib
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from support.load import UNLIMITED  # noqa: E402
from support.node import Node  # noqa: E402
from support.remote_write import request, series  # noqa: E402
from support.servers import BIN  # noqa: E402

SERIES = 100_000
SAMPLES_A_SECOND = 20_000
QUERIES_A_SECOND = 10
SETTLED_AFTER = 5   # rounds until memory is at its level


class Probe(threading.Thread):
    """Asks again and again, and remembers when, how long it took, and whether it failed."""

    def __init__(self, period, ask):
        super().__init__(daemon=True)
        self.period, self.ask = period, ask
        self.over = False
        self.seen = []   # (begin, seconds)
        self.failures = []

    def run(self):
        due = time.monotonic()
        while not self.over:
            begin = time.monotonic()
            try:
                answer = self.ask()
                if answer.status != 200:
                    self.failures.append(answer.text[:200])
            except OSError as error:
                self.failures.append(repr(error))
            self.seen.append((begin, time.monotonic() - begin))
            due = max(due + self.period, begin)
            time.sleep(max(0, due - time.monotonic()))

    def p99(self, spans):
        times = [seconds for begin, seconds in self.seen if any(a <= begin <= b for a, b in spans)]
        return statistics.quantiles(times, n=100)[98] * 1000 if len(times) > 1 else 0


def usage(node):
    status = node.admin("GET", "v1/status").json
    return {name: status[name] for name in ("resident_bytes", "open_fds", "threads")}


def await_series(node):
    """Asks once a second: the question is not a cheap one."""
    for _ in range(120):
        found = node.result("query", query='count({__name__!=""})')["result"]
        if found and int(found[0]["value"][1]) >= SERIES * 0.99:
            return
        time.sleep(1)
    raise SystemExit(f"not all series are there: {found}\n{node.log()[-2000:]}")


def measure(rounds):
    problems = []
    with Node(*UNLIMITED) as node:
        loadgen = subprocess.Popen(
            [BIN / "mimird_loadgen", f"--url={node.url}/api/v1/push", f"--series={SERIES}", "--rounds=0", "--duration=86400",
             f"--interval={SERIES / SAMPLES_A_SECOND}", f"--rate={SAMPLES_A_SECOND}", "--retry-for=10",
             f"--start={time.time():.0f}", "--json"],
            stdout=subprocess.PIPE, text=True)
        atexit.register(loadgen.kill)

        def write():
            now = int(time.time() * 1000)
            return node.push(request(series({"__name__": "probe"}, [(now, 1.0)])))
        writes = Probe(0.05, write)
        queries = Probe(1 / QUERIES_A_SECOND, lambda: node.api(
            "query", query='sum by (job) (rate({job="api"}[1m]))', time=time.time()))
        await_series(node)
        writes.start()
        queries.start()
        time.sleep(10 if rounds < 50 else 2)
        before = [(writes.seen[0][0], time.monotonic())]

        spans, times, levels, gaps = [], {"microservices": [], "monolithic": []}, [], []
        for number in range(rounds):
            for mode in times:
                begin = time.monotonic()
                finished = node.ctl("migrate", mode, timeout=300)
                end = time.monotonic()
                if finished.returncode:
                    raise SystemExit(f"round {number}, {mode}: {finished.stderr}\n{node.log()[-3000:]}")
                spans.append((begin, end))
                times[mode].append(end - begin)
                report = node.ctl_json("migrate", "report")
                gaps.append(report["longest_gap_ms"])
                if report["requests_failed"] or report["failure"] or report["canaries_readable"] < report["canaries_acknowledged"]:
                    problems.append(f"round {number}, {mode}: {report}")
            levels.append(usage(node))
            if number in (0, SETTLED_AFTER, rounds - 1) or number % 25 == 24:
                print(f"after round {number + 1}: {levels[-1]}", flush=True)
        for probe in (writes, queries):
            probe.over = True
            probe.join(60)
        loadgen.terminate()
        sent = json.loads(loadgen.communicate(timeout=120)[0])
    problems += [f"write: {one}" for one in writes.failures] + [f"query: {one}" for one in queries.failures]
    if sent["samples_lost"]:
        problems.append(f"the load generator lost samples: {sent}")
    print(f"{rounds} round trips, {sent['samples']} samples and {len(queries.seen)} queries, "
          f"{len(writes.failures)} failed writes, {len(queries.failures)} failed queries")
    for mode, all_times in times.items():
        print(f"to {mode}: median {statistics.median(all_times):.2f} s, longest {max(all_times):.2f} s")
    print(f"longest time between two acknowledged canaries: {max(gaps)} ms")
    for name, probe in (("writes", writes), ("queries", queries)):
        print(f"p99 of {name}: {probe.p99(before):.1f} ms before, {probe.p99(spans):.1f} ms in migrations")
    if rounds > 2 * SETTLED_AFTER:
        level, last = levels[SETTLED_AFTER], levels[-1]
        for name, allowed in (("resident_bytes", 1.25), ("open_fds", 1.1), ("threads", 1.0)):
            if last[name] > level[name] * allowed + 2:
                problems.append(f"{name} grew from {level[name]} to {last[name]}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    problems = measure(parser.parse_args().rounds)
    for problem in problems[:20]:
        print("PROBLEM", problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
