#!/usr/bin/env python3
"""Measures mimird beside Debian's Prometheus and VictoriaMetrics, in one run on one machine, and prints ratios.

Each server gets one core and an empty folder, one server at a time; the load generator (build/bin/mimird_loadgen) gets
another core. CPU is user and system time of the server's process. Needs nothing but Python's standard library.

    tests/bench/run.py                            everything, ten to fifteen minutes (the last of it by control.py and many_processes.py)
    tests/bench/run.py --quick                    a tenth of the data
    tests/bench/run.py --scenarios=long --no=disk,ready --servers=mimird
    tests/bench/run.py --json=now.json            the figures as well
    tests/bench/run.py --with=before.json         takes servers that are not run from an earlier run
"""

import argparse
import json
import math
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time

import peers
from scenarios import SCENARIOS, Size

PEERS = ("prometheus", "victoria-metrics")
# Ends of rows' names, see scenarios.queries.
LATENCY, SUM = ", latency", ", sum"


def main():
    args = arguments()
    os.sched_setaffinity(0, {int(peers.CLIENT_CORE)})  # what asks and measures stays off the servers' core
    names = [name for name in args.servers.split(",") if usable(name)]
    if not names:
        sys.exit("no server to measure")
    figures = {}
    if args.with_:
        figures = json.loads(pathlib.Path(args.with_).read_text())["figures"]
    folder = pathlib.Path(args.dir or tempfile.mkdtemp(prefix="mimird-bench-"))
    begin = time.monotonic()
    failed = False
    try:
        for scenario in args.scenarios.split(","):
            for name in names:
                failed |= not measure(figures, name, scenario, args, folder)
    finally:
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)
    facts = machine(names, args, time.monotonic() - begin)
    if args.json:
        text = json.dumps({"facts": facts, "figures": figures}, indent=2)
        pathlib.Path(args.json).write_text(text + "\n")
    print_report(figures, facts)
    if "mimird" in names and "control" not in args.no.split(","):
        failed |= not measure_alone("control.py", args.quick)
    if "mimird" in names and "processes" not in args.no.split(","):
        failed |= not measure_alone("many_processes.py", args.quick)
    sys.exit(1 if failed else 0)


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data")
    parser.add_argument("--servers", default=",".join(peers.SERVERS))
    parser.add_argument("--scenarios", default=",".join(SCENARIOS),
                        help="long (ingest, queries, ready, disk), many (ingest, memory), new (new series, memory)")
    parser.add_argument("--no", default="", help="parts to leave out: query, ready and disk of `long`, and control and processes, which come last")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    parser.add_argument("--with", dest="with_", metavar="FILE", help="figures of an earlier run")
    parser.add_argument("--dir", help="folder for data and logs, on the disk to be measured")
    parser.add_argument("--keep", action="store_true", help="leave data and logs")
    return parser.parse_args()


def usable(name):
    if shutil.which(peers.SERVERS[name].binary):
        return True
    print(f"{name} is not there: left out", file=sys.stderr)
    return False


def measure(figures, name, scenario, args, folder):
    """Runs one scenario on one server; what it found before a failure is kept."""
    left_out = args.no.split(",")
    place = folder / f"{name}-{scenario}"
    server = peers.SERVERS[name](place)
    try:
        for row, unit, value in SCENARIOS[scenario](server, Size(args.quick), lambda p: p not in left_out):
            figures.setdefault(row, {"unit": unit})[name] = value
            if row.endswith((LATENCY, SUM)):
                continue
            shown = number(value)
            print(f"{time.strftime('%H:%M:%S')} {name}: {row}: {shown} {unit}", file=sys.stderr)
        return True
    except RuntimeError as error:
        print(f"{name}, {scenario}: {error}", file=sys.stderr)
        return False
    finally:
        server.stop()
        if not args.keep:
            shutil.rmtree(place, ignore_errors=True)


def measure_alone(program, quick):
    """What has no peer: tables of its own."""
    sys.stdout.flush()
    command = [sys.executable, pathlib.Path(__file__).with_name(program), *(["--quick"] if quick else [])]
    return subprocess.run(command, check=False).returncode == 0


def machine(names, args, seconds):
    """What one must know to repeat the run."""
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
               platform.machine())
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal"))
    commit = subprocess.run(["git", "-C", str(peers.ROOT), "describe", "--always", "--dirty"],
                            capture_output=True, text=True, check=False).stdout.strip()
    return {
        "machine": f"{cpu}, {memory >> 20} GiB, kernel {platform.release()}",
        "versions": {name: peers.SERVERS[name]("/tmp").version() for name in names},
        "commit": commit,
        "command": "tests/bench/run.py " + " ".join(sys.argv[1:]),
        "quick": args.quick,
        "seconds": round(seconds),
    }


def print_report(figures, facts):
    tables = {"": {}, LATENCY: {}, SUM: {}}
    for row, values in figures.items():
        kind = next(kind for kind in (LATENCY, SUM, "") if row.endswith(kind))
        tables[kind][row.removesuffix(kind)] = values
    print_table(tables[""])
    if tables[LATENCY]:
        print("\nMedian time to the whole answer:\n")
        print_table(tables[LATENCY])
    print()
    for query, sums in tables[SUM].items():
        # VictoriaMetrics extrapolates otherwise, and says so.
        both = "mimird" in sums and "prometheus" in sums
        if both and not math.isclose(sums["mimird"], sums["prometheus"], rel_tol=1e-9):
            print(f"Answers differ: {query}: {sums}")
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    print(f"{facts['machine']}; {versions}; commit {facts['commit']}; `{facts['command']}`, {facts['seconds']} s.")


def print_table(rows):
    columns = [name for name in peers.SERVERS if any(name in row for row in rows.values())]
    ratios = [peer for peer in PEERS if peer in columns and "mimird" in columns]
    header = ["", "unit", *columns, *(f"mimird/{peer}" for peer in ratios)]
    print("| " + " | ".join(header) + " |")
    print("|---|---|" + "---:|" * (len(header) - 2))
    for row, values in rows.items():
        cells = [number(values.get(name)) for name in columns]
        cells += [ratio(values.get("mimird"), values.get(peer)) for peer in ratios]
        print(f"| {row} | {values['unit']} | " + " | ".join(cells) + " |")


def number(value):
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def ratio(ours, theirs):
    return "-" if ours is None or not theirs else f"{ours / theirs:.2f}"


if __name__ == "__main__":
    main()
