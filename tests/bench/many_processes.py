#!/usr/bin/env python3
"""Measures what it costs that components run in processes of their own: the distributor's replication over sockets,
queries through all hops beside the same queries in a monolith, and what a tenant's heavy queries do to another's.

    tests/bench/many_processes.py                      some minutes
    tests/bench/many_processes.py --quick              a quarter of the data
    tests/bench/many_processes.py --parts=queries      one or more of: distributor, queries, tenants

All servers share one core; the load generator, and what asks, has another. CPU is user and system time of the processes,
so that what else the machine does shows little. Each figure is the median of --repeats rounds; in each round the monolith
and the processes take turns query by query.
"""

import argparse
import math
import multiprocessing
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import threading
import time
import urllib.request

import peers
from queries import QUERIES
from scenarios import INTERVAL, sum_of

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from support.cluster import CONFIGS, Cluster, Member, etcd_cluster, ring_of  # noqa: E402
from support.load import UNLIMITED  # noqa: E402
from support.servers import wait_for  # noqa: E402

REST = ["distributor", "query-scheduler", "querier", "query-frontend"]
HEAVY_AT_ONCE = 16


class Pinned(Member):
    """A member of a cluster, on one core."""

    core = peers.SERVER_CORE

    def command(self):
        return ["taskset", "-c", self.core, *super().command()]


class Monolith(peers.Mimird):
    """As in the comparison with peers; flags go on top."""

    name = "monolith"

    def __init__(self, folder, *flags):
        super().__init__(folder)
        self.flags = flags

    def arguments(self):
        return [*super().arguments(), *self.flags]


class Processes(peers.Server):
    """Components in processes of their own behind a gateway, seen as one server."""

    push_path = "/api/v1/push"
    query_prefix = "/prometheus"
    at_rest = 0.15  # many processes, each with its heartbeats

    def __init__(self, folder, ingesters, *flags, network=False, others_core=peers.SERVER_CORE):
        """network: over TCP with etcd, as on many hosts; else over unix sockets with SQLite. others_core: of all but
        the distributor."""
        super().__init__(folder)
        self.name = f"{ingesters} ingester{'s' if ingesters > 1 else ''}, {'TCP' if network else 'unix sockets'}"
        self.cluster = Cluster()
        self.ingesters = ingesters
        if network:
            self.cluster.etcd = etcd_cluster(1)
        flags = [*UNLIMITED, f"-ingester.ring.replication-factor={ingesters}", *flags]
        for component in ["gateway", *(f"ingester-{i}" for i in range(ingesters)), *REST]:
            self.cluster.add(self.member(component, flags, network, others_core))

    def member(self, name, flags, network, others_core):
        target = "ingester" if name.startswith("ingester") else name
        data = self.cluster.folder / name
        data.mkdir()
        config = "microservices.yaml" if network else "microservices-one-host.yaml"
        own = [f"-blocks-storage.tsdb.dir={data}/tsdb"]
        if network:
            own += [f"-common.kvstore.etcd.endpoints={self.cluster.etcd[0].url}",
                    f"-common.instance-id={name}", "-common.instance-addr=127.0.0.1"]
        member = Pinned(CONFIGS / config, target, *flags, *own, name="" if network else name,
                        folder=data if network else self.cluster.folder, log=name)
        member.short_name = name
        member.core = peers.SERVER_CORE if target == "distributor" else others_core
        return member

    def of(self, target):
        return next(member for member in self.cluster.members if member.target == target)

    @property
    def url(self):
        return self.cluster.members[0].url

    def start(self):
        self.cluster.start()
        for target in ("distributor", "querier"):
            wait_for("all ingesters in the ring", lambda target=target: self.sees_ingesters(target))

    def sees_ingesters(self, target):
        members = ring_of(self.of(target))
        return len(members) == self.ingesters and all(one["state"] == "ACTIVE" for one in members.values())

    def refused_samples(self):
        """That ingesters did not take: their chunks are others than their replicas' from there on."""
        refused = 0
        for member in self.cluster.members:
            if member.target != "ingester":
                continue
            with urllib.request.urlopen(f"{member.url}/metrics", timeout=30) as answer:
                for line in answer.read().decode().splitlines():
                    if line.startswith("cortex_discarded_samples_total{"):
                        refused += float(line.rsplit(" ", 1)[1])
        return refused

    def stop(self, how=None):
        self.cluster.__exit__(None)

    def cpu_seconds(self):
        return sum(peers.cpu_seconds(member.process.pid) for member in self.cluster.members)

    def cpu_by_component(self):
        return {member.short_name: peers.cpu_seconds(member.process.pid) for member in self.cluster.members}


class OneOf(peers.Mimird):
    """One process of them, past the gateway."""

    def __init__(self, folder, member):
        super().__init__(folder)
        self.port, self.process = member.port, member.process


class Size:
    def __init__(self, quick):
        self.series = 5_000 if quick else 20_000
        self.rounds = 480
        # Two hours that ended three hours ago, on the hour, so that steps fall alike in every run.
        self.end = (int(time.time()) // 3600 - 3) * 3600
        self.start = self.end - self.rounds * INTERVAL
        self.queries = 2 if quick else 4


def main():
    args = arguments()
    os.sched_setaffinity(0, {int(peers.CLIENT_CORE)})
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mimird-bench-"))
    size = Size(args.quick)
    busy = os.getloadavg()[0]
    try:
        for part in args.parts.split(","):
            PARTS[part](folder / part, size, args.repeats)
            sys.stdout.flush()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\nLoad average at the begin: {busy:.2f}.")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a quarter of the data, fewer queries")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--repeats", type=int, default=3, help="rounds, of which the median counts")
    return parser.parse_args()


def table(first, columns, rows):
    print(f"\n| {first} | " + " | ".join(columns) + " |")
    print("|---|" + "---:|" * len(columns))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |", flush=True)


# The distributor.

def distributor(folder, size, repeats):
    """CPU of the distributor's process alone, while clients write to it and three ingesters take all it sends."""
    networks = [False] + ([True] if shutil.which("etcd") else [])
    rows = [row for network in networks for row in distributor_rows(folder, size, repeats, network)]
    table("distributor, replication 3", ("CPU ns a sample", "samples/s of one core"), rows)


def distributor_rows(folder, size, repeats, network):
    servers = Processes(folder, 3, network=network, others_core=peers.CLIENT_CORE)
    try:
        servers.start()
        one = OneOf(folder, servers.of("distributor"))
        one.push(series=size.series, rounds=1, start=size.start - INTERVAL, interval=INTERVAL)
        costs = []
        part = size.rounds // repeats
        for i in range(repeats):
            one.settle()
            start = size.start + i * part * INTERVAL
            before = one.cpu_seconds()
            report = one.push(series=size.series, rounds=part, start=start, interval=INTERVAL)
            one.settle()
            costs.append((one.cpu_seconds() - before) / report["samples"])
        cost = statistics.median(costs)
        yield f"{size.series:,} series, {servers.name}", f"{cost * 1e9:.0f}", f"{1 / cost:,.0f}"
    finally:
        servers.stop()


# Queries.

def queries(folder, size, repeats):
    """CPU of all processes together, for the same queries over the same data, and the same answers."""
    servers = [Monolith(folder / "monolith"), Processes(folder, 1), Processes(folder, 3)]
    try:
        for server in servers:
            server.start()
            # One request at a time: with two, rounds overtake one another on the way to the replica that a quorum does
            # not wait for. It refuses what has become out of order, and has other chunks than the rest for ever.
            server.push(series=size.series, rounds=size.rounds, start=size.start, interval=INTERVAL, concurrency=1)
        for server in servers:
            server.settle()
            refused = server.refused_samples() if isinstance(server, Processes) else 0
            if refused:
                print(f"\n{server.name}: replicas differ, for ingesters refused {refused:,.0f} samples.")
        idle = [idle_share(server) for server in servers]
        names = [server.name for server in servers]
        rows, by_component = [], {}
        for kind, name, query in every_query():
            costs = cost_of(servers, idle, kind, query, size, repeats, by_component)
            rows.append((f"{kind}: {name}", costs))
        print("\nAt rest, CPU ms a second, not counted below: "
              + ", ".join(f"{name} {share * 1e3:.1f}" for name, share in zip(names, idle)) + ".")
        ratio_columns = [f"{name} / monolith" for name in names[1:]]
        table("CPU ms", (*names, *ratio_columns), [query_row(*row) for row in [*rows, *summary_rows(rows)]])
        whole = sum(by_component.values())
        print("\nOf the CPU with one ingester: "
              + ", ".join(f"{name} {cpu / whole:.0%}" for name, cpu in by_component.items()) + ".")
    finally:
        for server in servers:
            server.stop()


def every_query():
    for kind in ("instant", "range"):
        for name, query in QUERIES.items():
            yield kind, name, query


def idle_share(server, seconds=5):
    begin, before = time.monotonic(), server.cpu_seconds()
    time.sleep(seconds)
    return (server.cpu_seconds() - before) / (time.monotonic() - begin)


def cost_of(servers, idle, kind, query, size, repeats, by_component):
    """CPU seconds of a query on each server."""
    path, asked = parameters(kind, query, size)
    count = size.queries * (5 if kind == "instant" else 1)
    answers = [sum_of(server.query(path, asked)[1]) for server in servers]
    for server, answer in zip(servers, answers):
        if not math.isclose(answer, answers[0], rel_tol=1e-9):
            raise RuntimeError(f"{server.name} answers {query} with {answer}, the monolith with {answers[0]}")
    costs = [[] for _ in servers]
    for _ in range(repeats):
        for i, server in enumerate(servers):
            parts = server.cpu_by_component() if i == 1 else {}
            begin, before = time.monotonic(), server.cpu_seconds()
            for _ in range(count):
                server.query(path, asked)
            spent = server.cpu_seconds() - before - idle[i] * (time.monotonic() - begin)
            costs[i].append(spent / count)
            for name, cpu in (server.cpu_by_component() if parts else {}).items():
                by_component[name] = by_component.get(name, 0) + cpu - parts[name]
    return [statistics.median(each) for each in costs]


def parameters(kind, query, size):
    if kind == "instant":
        return "query", {"query": query, "time": size.end}
    return "query_range", {"query": query, "start": size.start + 600, "end": size.end, "step": 60}


def summary_rows(rows):
    for kind in ("instant", "range"):
        of_kind = [costs for name, costs in rows if name.startswith(kind)]
        yield f"{kind}: all 15", [sum(column) for column in zip(*of_kind)]
    yield "all 30", [sum(column) for column in zip(*(costs for _, costs in rows))]


def query_row(name, costs):
    ratios = [f"{cost / costs[0]:.2f}" for cost in costs[1:]]
    return (name, *(f"{cost * 1e3:.2f}" for cost in costs), *ratios)


# Tenants.

def tenants(folder, size, repeats):
    """Latency of a tenant's light queries alone, and while another tenant has heavy range queries under way, so many at
    once, on the same core."""
    rows = []
    for make in (lambda: Monolith(folder / "monolith", "-auth.multitenancy-enabled=true"),
                 lambda: Processes(folder, 1, "-auth.multitenancy-enabled=true")):
        server = make()
        try:
            server.start()
            for tenant in ("light", "heavy"):
                server.push(tenant=tenant, series=size.series, rounds=size.rounds, start=size.start,
                            interval=INTERVAL)
            server.settle()
            rows += tenants_rows(server, size, repeats)
        finally:
            server.stop()
    table(f"another tenant's {HEAVY_AT_ONCE} heavy queries",
          ("alone: p50 ms", "p95 ms", "beside: p50 ms", "p95 ms", "p50 ratio", "p95 ratio"), rows)


def tenants_rows(server, size, repeats):
    for kind, name in (("instant", "rate"), ("range", "rate"), ("range", "sum by rate")):
        alone, beside = [], []
        for _ in range(repeats):
            alone.append(latencies(server, kind, name, size))
            with Heavy(server, size):
                beside.append(latencies(server, kind, name, size))
        figures = [statistics.median(column) for each in (alone, beside) for column in zip(*each)]
        yield (f"{server.name}, {kind}: {name}", *(f"{figure * 1e3:.1f}" for figure in figures),
               f"{figures[2] / figures[0]:.2f}", f"{figures[3] / figures[1]:.2f}")


def latencies(server, kind, name, size, count=100):
    """Median and 95th percentile."""
    path, asked = parameters(kind, QUERIES[name], size)
    took = sorted(server.query(path, asked, {"X-Scope-OrgID": "light"})[0] for _ in range(count))
    return took[len(took) // 2], took[len(took) * 95 // 100]


class Heavy:
    """A process that keeps so many heavy range queries under way; on leaving none is."""

    def __init__(self, server, size):
        context = multiprocessing.get_context("fork")
        self.over, self.answered = context.Event(), context.Value("i", 0)
        self.process = context.Process(target=self.run, args=(server, size))

    def run(self, server, size):
        threads = [threading.Thread(target=self.ask, args=(server, size)) for _ in range(HEAVY_AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def ask(self, server, size):
        path, asked = parameters("range", QUERIES["histogram_quantile"], size)
        while not self.over.is_set():
            server.query(path, asked, {"X-Scope-OrgID": "heavy"})
            with self.answered:
                self.answered.value += 1

    def __enter__(self):
        self.process.start()
        wait_for("heavy queries under way", lambda: self.answered.value > 0, 120)

    def __exit__(self, *_):
        self.over.set()
        self.process.join()


PARTS = {"distributor": distributor, "queries": queries, "tenants": tenants}

if __name__ == "__main__":
    main()
