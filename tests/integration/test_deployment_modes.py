"""Every mode of configs/ runs from its file: the continuous test passes, and a real Prometheus writes into it and is answered as it
answers itself. All modes run side by side, and one Prometheus writes into all of them."""

import contextlib
import subprocess
import unittest

from support.answers import by_labels, same_value
from support.cluster import BIN, CONFIGS, Cluster, Member, many_hosts, one_host, three_monoliths
from support.servers import NodeExporter, Prometheus, wait_for
from support.tenant_proxy import TenantProxy

TENANT = "team-a"
SCRAPED_SECONDS = 15
# Of what Prometheus scraped in the last ten seconds: asked for between two scrapes, where no server extrapolates differently.
QUERIES = [
    'up{job=~"node|prometheus"}',
    'count by (job) ({job=~"node|prometheus"})',
    "node_cpu_seconds_total",
    "sum by (mode) (rate(node_cpu_seconds_total[8s]))",
    "topk(3, node_cpu_seconds_total)",
    "max_over_time(go_goroutines[8s])",
    "histogram_quantile(0.9, rate(prometheus_http_request_duration_seconds_bucket[8s]))",
    "node_filesystem_avail_bytes / node_filesystem_size_bytes",
    "node_cpu_seconds_total * on (instance, job) group_left () up",
]


class Mode:
    """A deployment: its processes, those that clients write to and read from, and what its processes say that it is."""

    def __init__(self, name, cluster, says, readers=None):
        self.name, self.cluster, self.says = name, cluster, says
        self.writer = cluster.members[0]
        self.readers = readers or [self.writer]
        for member in cluster.members:
            member.one_tenant = False   # but as the file says

    def start(self):
        for one in self.cluster.etcd + self.cluster.members:
            one.start(wait=False)

    def wait(self):
        for one in self.cluster.etcd + self.cluster.members:
            wait_for(f"{self.name}: {one.log_path.name} ready", one.is_ready, 60)

    def continuous_test(self):
        """Writes through one process and reads through another where there are several."""
        return subprocess.Popen(
            [BIN / "mimirctl", "--socket", self.writer.socket, "continuous-test", "--tenant", TENANT,
             "--write-endpoint", self.writer.url, "--read-endpoint", self.readers[-1].url + "/prometheus",
             "--runs", "5", "--interval", "1s", "--series", "200"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def single(file):
    """One process, in a folder of its own, of which the file may name parts."""
    cluster = Cluster()
    cluster.add(Member(CONFIGS / file, "all", folder=cluster.folder))
    return cluster


def all_modes():
    hosts = three_monoliths()
    return [
        Mode("quickstart", single("quickstart.yaml"), "monolithic"),
        Mode("monolithic", single("monolithic.yaml"), "monolithic"),
        Mode("scaled-out monolithic", hosts, "monolithic, scaled out", readers=hosts.members),
        Mode("microservices on one host", one_host(), "microservices"),
        Mode("microservices on many hosts", many_hosts(), "microservices, scaled out"),
    ]


class DeploymentModes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.modes = all_modes()
        cls.cleanup = cls.enterClassContext(contextlib.ExitStack())
        for mode in cls.modes:
            cls.cleanup.push(mode.cluster.__exit__)
            mode.start()
        for mode in cls.modes:
            mode.wait()
        cls.exporter = cls.enterClassContext(NodeExporter())
        proxies = [cls.enterClassContext(TenantProxy(mode.writer.url, TENANT)) for mode in cls.modes]
        cls.prometheus = cls.enterClassContext(Prometheus(
            targets=[("node", cls.exporter.port)], remote_write=[one.url + "/api/v1/push" for one in proxies]))

    def test_the_continuous_test_passes(self):
        running = [(mode, mode.continuous_test()) for mode in self.modes]
        for mode, test in running:
            with self.subTest(mode=mode.name):
                output, _ = test.communicate(timeout=90)
                self.assertEqual(0, test.returncode, output)
                self.assertIn("5", output)

    def test_prometheus_writes_and_reads_its_own_answers(self):
        wait_for(f"{SCRAPED_SECONDS} s of scrapes", lambda: self.scrapes() >= SCRAPED_SECONDS, 60)
        at = self.prometheus.result("query", query="up{job='node'}[5s]")["result"][0]["values"][-2][0] + 0.5
        wait_for("Prometheus past the time asked for", lambda: self.newest() > at + 1.5)
        theirs = {query: self.asked(self.prometheus, query, at) for query in QUERIES}
        samples = self.counts(self.prometheus, at)
        for mode in self.modes:
            for reader in mode.readers:
                with self.subTest(mode=mode.name, reader=reader.target):
                    self.wait_for_samples(reader, at, samples)
                    for query, expected in theirs.items():
                        self.same(expected, self.asked(reader, query, at), query)

    def test_status_names_the_mode(self):
        for mode in self.modes:
            for member in mode.cluster.members:
                with self.subTest(mode=mode.name, process=member.target):
                    done = member.ctl("status")
                    self.assertEqual(0, done.returncode, done.stderr)
                    facts = dict(line.split(":", 1) for line in done.stdout.splitlines())
                    self.assertEqual(mode.says, facts["mode"].strip())
                    self.assertEqual("yes", facts["ready"].strip())

    def wait_for_samples(self, reader, at, samples):
        try:
            wait_for("what Prometheus has", lambda: self.counts(reader, at) == samples, 15)
        except AssertionError:
            found = self.counts(reader, at)
            different = sorted(one for one in samples.items() ^ found.items())
            self.fail(f"{len(samples)} series expected, {len(found)} found; different: {different[:6]}")

    def scrapes(self):
        found = self.prometheus.result("query", query="min(count_over_time(up[60s]))")["result"]
        both = len(self.prometheus.result("query", query="up")["result"]) == 2
        return int(found[0]["value"][1]) if found and both else 0

    def newest(self):
        return float(self.prometheus.result("query", query="max(timestamp(up))")["result"][0]["value"][1])

    def asked(self, server, query, at):
        named = {} if server is self.prometheus else {"headers": {"X-Scope-OrgID": TENANT}}
        instant = by_labels(server.result("query", query=query, time=at, **named))
        over_time = by_labels(server.result("query_range", query=query, start=at - 4, end=at, step=1, **named))
        return instant, over_time

    def counts(self, server, at):
        """Samples of each series in the seconds that the queries reach back."""
        named = {} if server is self.prometheus else {"headers": {"X-Scope-OrgID": TENANT}}
        data = server.result("query", query='{job=~"node|prometheus"}[12s]', time=at, **named)
        return {labels: len(points) for labels, points in by_labels(data).items()}

    def same(self, expected, found, query):
        for theirs, ours in zip(expected, found, strict=True):
            self.assertTrue(theirs, query)
            self.assertEqual(sorted(theirs), sorted(ours), query)
            for labels, points in theirs.items():
                self.assertEqual([at for at, _ in points], [at for at, _ in ours[labels]], f"{query} {labels}")
                for (at, value), (_, got) in zip(points, ours[labels]):
                    self.assertTrue(same_value(value, got), f"{query} {labels} at {at}: {got}, Prometheus has {value}")


if __name__ == "__main__":
    unittest.main()
