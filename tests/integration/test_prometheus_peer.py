"""A real Prometheus scrapes a real exporter and writes to mimird; both give the same answers."""

import time
import unittest

from support.answers import by_labels, same_value
from support.remote_write import request, series
from support.servers import Mimird, NodeExporter, Prometheus, wait_for

# With ranges that hold a good number of scrapes. The times asked for lie between scrapes, so that it does not matter that
# Prometheus before 3.0 counts the left end of a range in.
QUERIES = [
    "up",
    "sum(up)",
    'count by (job) ({__name__=~".+"})',
    "node_memory_MemTotal_bytes",
    "node_cpu_seconds_total",
    "rate(node_cpu_seconds_total[15s])",
    "sum by (mode) (rate(node_cpu_seconds_total[15s]))",
    "sum without (cpu) (node_cpu_seconds_total)",
    'avg by (mode) (node_cpu_seconds_total{mode!~"idle|iowait"})',
    "topk(3, node_cpu_seconds_total)",
    "quantile(0.9, node_cpu_seconds_total)",
    "stddev(node_cpu_seconds_total)",
    "max_over_time(go_goroutines[20s])",
    "avg_over_time(go_memstats_alloc_bytes[20s])",
    "quantile_over_time(0.5, go_memstats_alloc_bytes[20s])",
    "delta(go_memstats_alloc_bytes[15s])",
    "deriv(go_memstats_alloc_bytes[15s])",
    "increase(prometheus_http_requests_total[20s])",
    "irate(process_cpu_seconds_total[10s])",
    "changes(go_goroutines[20s])",
    "resets(go_memstats_heap_objects[20s])",
    "go_goroutines offset 5s",
    "histogram_quantile(0.9, rate(prometheus_http_request_duration_seconds_bucket[20s]))",
    "sum by (le) (prometheus_http_request_duration_seconds_bucket)",
    "node_filesystem_avail_bytes / node_filesystem_size_bytes",
    "node_cpu_seconds_total * on (instance, job) group_left () up",
    "up and on (job) go_goroutines",
    "up unless go_goroutines",
    'label_replace(up, "host", "$1", "instance", "(.*):.*")',
    'label_join(up, "both", "/", "job", "instance")',
    "count_values(\"value\", up)",
    "sort_desc(go_goroutines)",
    "clamp(go_goroutines, 5, 10)",
    "round(node_load1, 0.5)",
    "absent(nonexistent_metric)",
    "time() - process_start_time_seconds > bool 1",
    "max_over_time(rate(process_cpu_seconds_total[5s])[15s:1s])",
    "scalar(sum(up)) + vector(1)",
    "go_goroutines > 5",
    "-go_goroutines ^ 2 % 7",
]


class PrometheusPeerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mimird = cls.enterClassContext(Mimird())
        cls.exporter = cls.enterClassContext(NodeExporter())
        cls.prometheus = cls.enterClassContext(
            Prometheus(targets=[("node", cls.exporter.port)], remote_write=cls.mimird.url + "/api/v1/push"))
        # No window below may reach back to before the first scrape: there, Prometheus before 3.0 extrapolates further.
        wait_for("40 s of data in Prometheus", lambda: cls.count_of_up() >= 40, 90)
        scrapes = cls.prometheus.result("query", query="up{job='node'}[5s]")["result"][0]["values"]
        cls.time = scrapes[-2][0] + 0.5
        wait_for("Prometheus past the time asked for", lambda: cls.newest(cls.prometheus) > cls.time + 1.5)
        wait_for("mimird has what Prometheus has", lambda: cls.counts(cls.mimird) == cls.counts(cls.prometheus))

    @classmethod
    def count_of_up(cls):
        result = cls.prometheus.result("query", query="min(count_over_time(up[60s]))")["result"]
        both = len(cls.prometheus.result("query", query="up")["result"]) == 2
        return int(result[0]["value"][1]) if result and both else 0

    @classmethod
    def newest(cls, server):
        return float(server.result("query", query="max(timestamp(up))")["result"][0]["value"][1])

    @classmethod
    def counts(cls, server):
        """Samples of every series in the 25 s before the time asked for."""
        data = server.result("query", query='{__name__=~".+"}[25s]', time=cls.time)
        return {labels: len(points) for labels, points in by_labels(data).items()}

    def assert_same(self, path, query, **parameters):
        ours = by_labels(self.mimird.result(path, query=query, **parameters))
        theirs = by_labels(self.prometheus.result(path, query=query, **parameters))
        self.assertEqual(sorted(theirs), sorted(ours), query)
        for labels, points in theirs.items():
            self.assertEqual([time for time, _ in points], [time for time, _ in ours[labels]], f"{query} {labels}")
            for (time, expected), (_, got) in zip(points, ours[labels]):
                self.assertTrue(same_value(expected, got), f"{query} {labels} at {time}: {got}, Prometheus has {expected}")

    def test_instant_queries(self):
        for query in QUERIES:
            with self.subTest(query=query):
                self.assert_same("query", query, time=self.time)

    def test_range_queries(self):
        for query in QUERIES:
            with self.subTest(query=query):
                self.assert_same("query_range", query, start=self.time - 10, end=self.time, step=1)

    def test_raw_samples(self):
        self.assert_same("query", "up[20s]", time=self.time)
        self.assert_same("query", 'node_cpu_seconds_total[20s]', time=self.time)

    def test_labels_and_series(self):
        window = {"start": self.time - 20, "end": self.time}
        for path in ("labels", "label/job/values", "label/__name__/values"):
            with self.subTest(path=path):
                self.assertEqual(self.prometheus.result(path, **window), self.mimird.result(path, **window))
        selector = {"match[]": ['{__name__=~"node_.+"}', "up"]}
        series = [
            sorted(tuple(sorted(one.items())) for one in server.result("series", **selector, **window))
            for server in (self.mimird, self.prometheus)]
        self.assertEqual(series[0], series[1])

    def test_metadata(self):
        def metadata():
            return self.mimird.result("metadata", metric="node_cpu_seconds_total").get("node_cpu_seconds_total")
        entry = wait_for("metadata of the exporter", metadata, 90)[0]
        self.assertEqual("counter", entry["type"])
        self.assertTrue(entry["help"])


class RemoteReadTest(unittest.TestCase):
    """Prometheus reads what mimird holds, as streamed chunks."""

    def test_prometheus_answers_from_mimird(self):
        now = int(time.time()) * 1000
        window = {"start": now / 1000 - 290.5, "end": now / 1000 - 0.5, "step": 7}
        with Mimird() as mimird:
            for second in range(300):   # long enough for several chunks
                body = request(*(
                    series({"__name__": "read_me", "n": str(n)}, [(now - (300 - second) * 1000, float(second * n))])
                    for n in range(3)))
                self.assertEqual(200, mimird.push(body).status)
            with Prometheus(remote_read=f"{mimird.url}/prometheus/api/v1/read") as prometheus:
                for query in ("read_me", 'sum(read_me{n!~"0|x"})', "rate(read_me[30s])"):
                    ours = by_labels(mimird.result("query_range", query=query, **window))
                    theirs = by_labels(prometheus.result("query_range", query=query, **window))
                    self.assertTrue(theirs, query)
                    self.assertEqual(sorted(theirs), sorted(ours), query)
                    for labels, points in theirs.items():
                        for (_, expected), (_, got) in zip(points, ours[labels], strict=True):
                            self.assertTrue(same_value(expected, got), f"{query} {labels}: {got}, not {expected}")


if __name__ == "__main__":
    unittest.main()
