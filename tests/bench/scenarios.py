"""What is measured. A scenario runs one server from an empty folder and yields rows: (row's name, unit, value)."""

import math
import signal
import statistics
import time

from queries import QUERIES

INTERVAL = 15  # seconds between the samples of a series


class Size:
    """How much data; quick is about a tenth."""

    def __init__(self, quick):
        self.small_series = 5_000 if quick else 20_000
        self.small_rounds = 120 if quick else 480
        self.middle_series = 50_000 if quick else 200_000
        self.middle_rounds = 10 if quick else 20
        self.large_series = 200_000 if quick else 1_000_000
        self.query_repeats = 3 if quick else 10


def thousands(n):
    return f"{n // 1_000_000}M" if n % 1_000_000 == 0 else f"{n // 1000}k"


def long_run(server, size, wants):
    """Two hours of a small fleet: ingest, queries, kill -9, disk."""
    series, rounds = size.small_series, size.small_rounds
    span = rounds * INTERVAL
    # Old enough that what comes afterwards lets the servers cut their blocks; on the hour, so that steps fall alike in
    # every run.
    end = (int(time.time()) // 3600 - 3) * 3600
    start = end - span
    server.start()
    server.push(series=series, rounds=1, start=start - INTERVAL, interval=INTERVAL)
    server.settle()

    before = server.cpu_seconds()
    report = server.push(series=series, rounds=rounds, start=start, interval=INTERVAL)
    server.settle()
    samples = report["samples"]
    yield (f"ingest, {thousands(series)} series", "CPU s/M samples",
           (server.cpu_seconds() - before) / samples * 1e6)

    if wants("query"):
        yield from queries(server, size, start, end)

    if wants("ready"):
        server.stop(signal.SIGKILL)
        yield f"ready after kill -9, {samples / 1e6:.1f} M samples", "s", server.start()
        check_nothing_lost(server, series, start + INTERVAL, end)

    if wants("disk"):
        yield "disk", "bytes/sample", bytes_per_sample(server, samples + series)


def queries(server, size, start, end):
    window = {"start": start + 600, "end": end, "step": 60}
    for kind, parameters in (("instant", {"time": end}), ("range", window)):
        path = "query" if kind == "instant" else "query_range"
        # A query of milliseconds is asked more often: the clock is exact, the scheduler is not.
        repeats = size.query_repeats * (5 if kind == "instant" else 1)
        for name, query in QUERIES.items():
            asked = {"query": query, **parameters}
            _, answer = server.query(path, asked)
            if not answer["result"]:
                raise RuntimeError(f"{server.name} has no answer to {query}")
            before = server.cpu_seconds()
            latencies = [server.query(path, asked)[0] for _ in range(repeats)]
            cpu = (server.cpu_seconds() - before) / repeats
            yield f"{kind}: {name}", "CPU ms", cpu * 1e3
            yield f"{kind}: {name}, latency", "ms", statistics.median(latencies) * 1e3
            yield f"{kind}: {name}, sum", "of the answer's values", sum_of(answer)


def sum_of(answer):
    """One number by which two servers' answers are compared: ties and the order of series do not change it."""
    points = (point for series in answer["result"] for point in series.get("values", [series.get("value")]))
    return math.fsum(value for value in (float(text) for _, text in points) if not math.isnan(value))


def check_nothing_lost(server, series, start, end):
    if server.name == "victoria-metrics":
        return  # keeps the last seconds in memory, by design
    asked = {"query": 'count({__name__=~".+"})'}
    for moment in (start, end):
        result = server.query("query", {**asked, "time": moment})[1]["result"]
        found = int(result[0]["value"][1]) if result else 0
        if found != series:
            raise RuntimeError(f"{server.name} has {found} of {series} series at {moment} after kill -9")


def bytes_per_sample(server, samples):
    """Pushes one round three hours later, so that the servers write what is old into blocks."""
    server.push(series=100, rounds=1, start=int(time.time()) - INTERVAL, interval=INTERVAL)
    end = time.monotonic() + 150
    size = None
    while time.monotonic() < end:
        server.settle(20)
        latest = server.block_bytes()
        if latest is not None and latest == size:
            return size / samples
        size = latest
        time.sleep(5)
    return None


def many_series(server, size, wants):
    """A middling fleet: ingest and memory."""
    series, rounds = size.middle_series, size.middle_rounds
    start = int(time.time()) - (rounds + 1) * INTERVAL
    server.start()
    server.push(series=series, rounds=1, start=start, interval=INTERVAL)
    server.settle()
    before = server.cpu_seconds()
    report = server.push(series=series, rounds=rounds, start=start + INTERVAL, interval=INTERVAL)
    server.settle()
    yield (f"ingest, {thousands(series)} series", "CPU s/M samples",
           (server.cpu_seconds() - before) / report["samples"] * 1e6)
    yield (f"memory, {thousands(series)} series", "resident bytes/series",
           server.resident_bytes() / series)


def new_series(server, size, wants):
    """A large fleet: what a series costs when it is new, and to have."""
    series = size.large_series
    start = int(time.time()) - 4 * INTERVAL
    server.start()
    before = server.cpu_seconds()
    server.push(series=series, rounds=1, start=start, interval=INTERVAL)
    server.settle()
    yield (f"new series, {thousands(series)}", "CPU s/M series",
           (server.cpu_seconds() - before) / series * 1e6)
    server.push(series=series, rounds=3, start=start + INTERVAL, interval=INTERVAL)
    server.settle()
    yield (f"memory, {thousands(series)} series", "resident bytes/series",
           server.resident_bytes() / series)


SCENARIOS = {"long": long_run, "many": many_series, "new": new_series}
