#!/usr/bin/env python3
"""Measures how the daemon is operated: modules and targets under load, the admin API, mimirctl, many starts and stops.

    tests/bench/control.py            one to three minutes
    tests/bench/control.py --quick    a fifth of the repeats

The load: two writers, each 100 series a request over a connection that it keeps, and a reader of instant queries, with 5 ms
between the requests of each. A request of a phase counts as failed when its answer is not a 2xx; those on routes of the module
that is stopped are expected to be, and are not shown.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from support.load import UNLIMITED, Load, saturated  # noqa: E402
from support.servers import BIN, Mimird, wait_for  # noqa: E402

COMPONENTS = "ingester,querier,distributor,query-frontend"
# Module: the requests that have nothing to do with it.
STATELESS = {"querier": "failed_writes", "query-frontend": "failed_writes", "distributor": "failed_reads"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of the repeats")
    share = 5 if parser.parse_args().quick else 1
    os.sched_setaffinity(0, range(os.cpu_count()))  # load and daemon share the machine
    busy = os.getloadavg()[0]
    table("under load", ("median ms", "p99 ms", "n", "failed elsewhere"), changes(100 // share))
    table("latency", ("median ms", "p99 ms", "n"), latencies(1000 // share))
    table("cycles of every module", ("resident MB", "descriptors", "threads"), cycles(300 // share))
    print(f"\nLoad average at the begin: {busy:.2f}.")


def changes(repeats):
    """Time from the request until the operation was seen to have ended."""
    with Mimird(*UNLIMITED) as mimird:
        def take(path, method="POST", body=None):
            begin = time.monotonic()
            answer = mimird.admin(method, path, body or {}).json
            follow = mimird.admin("GET", f"v1/operations/{answer['operation']['id']}/watch").text
            took = 1000 * (time.monotonic() - begin)
            last = json.loads(follow.strip().splitlines()[-1])
            if last["state"] != "done":
                raise RuntimeError(f"{path}: {last['error']}")
            return took

        with Load(mimird) as load:
            wait_for("samples", load.newest)
            for module, elsewhere in STATELESS.items():
                stops, starts = [], []
                with load.phase(module) as phase:
                    for _ in range(repeats):
                        stops.append(take(f"v1/modules/{module}/stop"))
                        starts.append(take(f"v1/modules/{module}/start"))
                failed = len(getattr(phase, elsewhere))
                asked = phase.writes if elsewhere == "failed_writes" else phase.reads
                yield f"stop {module}", *summary(stops), f"{failed} of {asked}"
                yield f"start {module}", *summary(starts), "as above"
            there, back = [], []
            for _ in range(repeats // 2):
                there.append(take("v1/target", "PUT", {"target": "ingester"}))
                back.append(take("v1/target", "PUT", {"target": "all"}))
            yield "set-target ingester", *summary(there), "-"
            yield "set-target all", *summary(back), "-"
        load.check_nothing_lost()


def latencies(repeats):
    with Mimird(*UNLIMITED) as mimird:
        yield "admin API, idle", *summary(api(mimird, repeats))
        if (BIN / "mimirctl").exists():
            took = []
            for _ in range(repeats // 5):
                begin = time.monotonic()
                if mimird.ctl("modules").returncode != 0:
                    raise RuntimeError("mimirctl modules failed")
                took.append(1000 * (time.monotonic() - begin))
            yield "mimirctl modules, a process", *summary(took)
        with saturated(mimird) as busy_cores:
            cores = busy_cores()
            yield f"admin API, {cores:.1f} cores busy", *summary(api(mimird, repeats))


def api(mimird, repeats):
    took = []
    for number in range(repeats):
        begin = time.monotonic()
        mimird.admin("GET", ("v1/status", "v1/modules")[number % 2])
        took.append(1000 * (time.monotonic() - begin))
    return took


def cycles(repeats):
    """Everything but the admin API itself, down and up again."""
    with Mimird(*UNLIMITED) as mimird:
        def turn(count):
            begin = time.monotonic()
            for _ in range(count):
                for path, body in (("server/stop", {"cascade": True}), (f"{COMPONENTS}/start", {})):
                    operation = mimird.admin("POST", f"v1/modules/{path}", body).json["operation"]
                    mimird.admin("GET", f"v1/operations/{operation['id']}/watch")
            return time.monotonic() - begin

        def held():
            time.sleep(2)  # what the allocator gives back, it gives back within a second
            status = mimird.admin("GET", "v1/status").json
            if status["modules_running"] != 8:
                raise RuntimeError(f"only {status['modules_running']} modules run")
            return f"{status['resident_bytes'] / 1e6:.1f}", status["open_fds"], status["threads"]

        # What is kept of operations and events, up to their bounds, takes some hundred cycles to fill.
        for done in range(repeats, 4 * repeats, repeats):
            took = turn(repeats)
            yield f"after {done} ({1000 * took / repeats:.0f} ms each)", *held()


def summary(took):
    took = sorted(took)
    return f"{statistics.median(took):.1f}", f"{took[len(took) * 99 // 100]:.1f}", len(took)


def table(name, columns, rows):
    print(f"\n| {name} | " + " | ".join(columns) + " |")
    print("|---|" + "---:|" * len(columns))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |", flush=True)


if __name__ == "__main__":
    main()
