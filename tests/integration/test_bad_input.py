"""What senders and users get wrong: each gets the status and message that Mimir or Prometheus gives, and the daemon goes on."""

import http.client
import time
import unittest

from support.remote_write import request, series, snappy
from support.servers import Mimird, http as call

NOW = int(time.time() * 1000)
GOOD = {"__name__": "good", "job": "a"}
STALE = 0x7FF0000000000002


class BadInputTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mimird = cls.enterClassContext(Mimird("-distributor.max-recv-msg-size=4194304"))

    def tearDown(self):
        self.assertEqual(200, call("GET", self.mimird.url + "/ready").status, "the daemon is no longer healthy")
        self.assertIsNone(self.mimird.process.poll())

    def assert_push(self, body, status, text="", headers=None):
        answer = self.mimird.push(body, headers)
        self.assertEqual(status, answer.status, answer.text)
        self.assertIn(text, answer.text)

    def one(self, labels, time_ms=None, value=1.0):
        return request(series(labels, [(time_ms or NOW, value)]))

    def test_bodies(self):
        self.assert_push(b"not snappy at all", 400)
        good = self.one(GOOD)
        self.assert_push(good[:-3], 400)
        self.assert_push(snappy(b"\x0a\xff\xff\xff\xff\x0f"), 400)
        self.assert_push(snappy(b"\x0b\x01\x02"), 400)
        self.assert_push(b"", 400)
        self.assert_push(good, 415, headers={"Content-Type": "application/json"})
        self.assert_push(snappy(b"\0" * 5_000_000), 413, "distributor-max-write-message-size")
        self.assert_push(b"x" * 5_000_000, 413)
        # A short block that says it is long.
        self.assert_push(b"\xff\xff\xff\xff\x0f\x00", 413)

    def test_labels(self):
        def refused(labels, error_id):
            self.assert_push(self.one(labels), 400, f"err-mimir-{error_id}")
        refused({"job": "a"}, "missing-metric-name")
        refused({"__name__": "0bad"}, "metric-name-invalid")
        refused({"__name__": "m", "bad-name": "x"}, "label-invalid")
        refused({"__name__": "m", "a" * 1025: "x"}, "label-name-too-long")
        refused({"__name__": "m", "a": b"\xff\xfe"}, "label-value-invalid")
        refused({"__name__": "m", "a": "v" * 1_000_000}, "label-value-too-long")
        refused([("__name__", "m"), ("a", "1"), ("a", "2")], "duplicate-label-names")
        refused({"__name__": "m", **{f"l{i}": "x" for i in range(40)}}, "max-label-names-per-series")

    def test_unsorted_and_empty_labels_are_put_right(self):
        self.assert_push(self.one([("z", "1"), ("empty", ""), ("__name__", "put_right"), ("a", "2")]), 200)
        result = self.mimird.result("query", query="put_right", time=NOW / 1000)["result"]
        self.assertEqual([{"__name__": "put_right", "a": "2", "z": "1"}], [one["metric"] for one in result])

    def test_samples(self):
        labels = {"__name__": "samples", "job": "a"}
        self.assert_push(self.one(labels, NOW, 1.0), 200)
        self.assert_push(self.one(labels, NOW, 1.0), 200)   # the same again is no error
        self.assert_push(self.one(labels, NOW, 2.0), 400, "err-mimir-sample-duplicate-timestamp")
        self.assert_push(self.one(labels, NOW - 1000), 400, "err-mimir-sample-out-of-order")
        self.assert_push(self.one(labels, NOW - 48 * 3600 * 1000), 400, "err-mimir-sample-timestamp-too-old")
        self.assert_push(self.one(labels, NOW + 3600 * 1000), 400, "err-mimir-too-far-in-future")

    def test_nan_and_stale_markers_are_values(self):
        labels = {"__name__": "special"}
        self.assert_push(self.one(labels, NOW - 2000, float("nan")), 200)
        result = self.mimird.result("query", query="special", time=(NOW - 1500) / 1000)["result"]
        self.assertEqual("NaN", result[0]["value"][1])
        self.assert_push(self.one(labels, NOW - 1000, STALE), 200)
        self.assertEqual([], self.mimird.result("query", query="special", time=NOW / 1000)["result"])

    def test_the_good_part_of_a_request_is_kept(self):
        body = request(
            series({"__name__": "partly", "n": "1"}, [(NOW, 1.0)]),
            series({"__name__": "partly", "bad-name": "x"}, [(NOW, 1.0)]),
            series({"__name__": "partly", "n": "2"}, [(NOW, 1.0)]))
        self.assert_push(body, 400, "err-mimir-label-invalid")
        self.assertEqual(2, len(self.mimird.result("query", query="partly", time=NOW / 1000)["result"]))

    def assert_query(self, status, error_type, text, path="query", **parameters):
        answer = self.mimird.api(path, **parameters)
        self.assertEqual(status, answer.status, answer.text)
        self.assertEqual("error", answer.json["status"])
        self.assertEqual(error_type, answer.json["errorType"])
        self.assertIn(text, answer.json["error"])

    def test_queries(self):
        bad = (400, "bad_data")
        self.assert_query(*bad, "1:5: parse error: unclosed left parenthesis", query="sum(")
        self.assert_query(*bad, 'unknown function with name "RATE"', query="RATE(x[5m])")
        self.assert_query(*bad, 'invalid parameter "time"', query="up", time="x")
        self.assert_query(*bad, "comparisons between scalars must use BOOL modifier", query="1 > 2")
        self.assert_query(*bad, 'invalid parameter "query"', query="(" * 10_000 + "1" + ")" * 10_000)
        self.assert_query(*bad, 'invalid parameter "step"', "query_range", query="up", start=0, end=10, step="x")
        self.assert_query(*bad, "zero or negative query resolution", "query_range", query="up", start=0, end=10, step=0)
        self.assert_query(*bad, "end timestamp must not be before start", "query_range", query="up", start=10, end=0, step=1)
        self.assert_query(*bad, "exceeded maximum resolution of 11,000 points", "query_range", query="up", start=0, end=20000, step=1)
        self.assert_query(*bad, "range vector", "query_range", query="up[5m]", start=0, end=10, step=1)
        self.assert_query(*bad, "no match[] parameter provided", "series")
        self.assert_query(*bad, 'invalid parameter "match[]"', "series", **{"match[]": "{"})

    def test_a_query_of_death_is_refused(self):
        self.assert_push(request(*(
            series({"__name__": "many", "n": str(n)}, [(NOW - 1000 * i, 1.0) for i in range(20, 0, -1)]) for n in range(200))), 200)
        answer = self.mimird.api("query", query='sum_over_time({__name__=~".+"}[1y:1ms])', time=NOW / 1000, timeout="20s")
        self.assertEqual("error", answer.json["status"], answer.text[:300])
        self.assertIn(answer.status, (400, 422, 503), answer.text[:300])

    def test_unknown_paths_and_methods(self):
        self.assertEqual(404, call("GET", self.mimird.url + "/prometheus/api/v1/nonsense").status)
        self.assertEqual(405, call("GET", self.mimird.url + "/api/v1/push").status)

    def test_torn_http(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.mimird.port)
        connection.connect()
        connection.sock.sendall(b"\x00\x01\x02 garbage\r\n\r\n")
        self.assertIn(b"400", connection.sock.recv(1000))
        connection.close()


class TenantsTest(unittest.TestCase):
    def test_tenants_are_apart(self):
        with Mimird("-auth.multitenancy-enabled=true") as mimird:
            body = request(series(GOOD, [(NOW, 1.0)]))
            self.assertEqual(401, mimird.push(body).status)
            self.assertEqual(200, mimird.push(body, {"X-Scope-OrgID": "a"}).status)
            self.assertEqual(400, mimird.push(body, {"X-Scope-OrgID": "../b"}).status)
            for tenant, count in (("a", 1), ("b", 0)):
                answer = mimird.api("query", query="good", time=NOW / 1000, headers={"X-Scope-OrgID": tenant})
                self.assertEqual(count, len(answer.json["data"]["result"]))


if __name__ == "__main__":
    unittest.main()
