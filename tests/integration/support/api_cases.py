"""The public API as a list of requests that are to have one answer, however the components are spread over processes."""

import dataclasses
import enum
import urllib.parse

from support.remote_write import (
    exemplar, field, histogram, metadata, number, request, sample, series, series_of, snappy)

TENANT = {"X-Scope-OrgID": "team-a"}
SMALL = {"X-Scope-OrgID": "small"}      # its limits are in RUNTIME_CONFIG
NOBODY = {"X-Scope-OrgID": "nobody"}    # has no data
PROMETHEUS = "/prometheus/api/v1"
STEP_S = 240         # less than the five minutes that an instant query looks back
SPAN_S = 30 * 3600   # to the newest sample; more than a day, so that range queries are split

RUNTIME_CONFIG = """
overrides:
  small:
    ingestion_rate: 10
    ingestion_burst_size: 20
    max_global_series_per_user: 3
    max_total_query_length: 1h
    max_labels_query_length: 1h
    max_fetched_series_per_query: 2
    max_query_expression_size_bytes: 100
    max_label_names_per_series: 5
"""


class Compare(enum.Enum):
    """What of two answers must be equal: their bodies, or where they speak of the process or of the time, less."""

    BODY = "status, headers and body"
    SHAPE = "status, headers, and the keys and types of a JSON body"
    KEYS = "status, headers, and the keys of a YAML body"
    HEAD = "status and headers"


@dataclasses.dataclass(frozen=True)
class Case:
    route: str
    path: str
    method: str = "GET"
    headers: dict = dataclasses.field(default_factory=lambda: TENANT)
    body: bytes = None
    compare: Compare = Compare.BODY

    def __str__(self):
        return f"{self.method} {self.path[:120]} {self.headers}"


def write(body, headers=TENANT, **changed):
    base = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Write-Version": "0.1.0"}
    return Case("/api/v1/push", "/api/v1/push", "POST", {**base, **headers, **changed}, body)


def ask(path, headers=TENANT, method="GET", route=None, compare=Compare.BODY, **parameters):
    """A request of the Prometheus API; POST puts the parameters into the body. Lists become repeated parameters."""
    text = urllib.parse.urlencode({key.rstrip("_"): value for key, value in parameters.items()}, doseq=True)
    text = text.replace("match=", "match[]=")
    full = f"{PROMETHEUS}/{path}"
    if method == "POST":
        headers = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        return Case(route or full, full, method, headers, text.encode(), compare)
    return Case(route or full, f"{full}?{text}" if text else full, method, headers, None, compare)


def read(start_ms, end_ms, matchers, accepted=(), headers=TENANT):
    """Remote read. matchers: (type, name, value), with the types of prometheus.LabelMatcher."""
    query = number(1, start_ms) + number(2, end_ms) + b"".join(
        field(3, number(1, kind) + field(2, name.encode()) + field(3, value.encode())) for kind, name, value in matchers)
    body = snappy(field(1, query) + b"".join(number(2, kind) for kind in accepted))
    return Case(f"{PROMETHEUS}/read", f"{PROMETHEUS}/read", "POST",
                {**headers, "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}, body)


def data(start_s):
    """Counters, a gauge with gaps, a classic and a native histogram, exemplars and metadata, oldest first."""
    parts = []
    for at in range(0, SPAN_S + 1, STEP_S):
        time_ms = (start_s + at) * 1000
        step = at // STEP_S
        for base, job in enumerate(("api", "db")):
            for pod in range(3):
                labels = {"__name__": "requests_total", "job": job, "pod": f"{job}-{pod}"}
                seen = [exemplar({"trace_id": f"{job}{pod}{step}"}, time_ms, float(step))] if step % 60 == 7 else []
                parts.append(series_of(labels, sample(time_ms, float((step + 1) * (3 * base + pod + 1))), *seen))
        if step % 5 != 0:
            parts.append(series({"__name__": "temperature", "room": "hall \u00e4<b>\"x\""}, [(time_ms, 20.5 + step % 3)]))
        for le, share in (("0.1", 1), ("1", 2), ("+Inf", 3)):
            parts.append(series({"__name__": "latency_bucket", "le": le}, [(time_ms, float(step * share))]))
        parts.append(series_of({"__name__": "native"}, histogram(time_ms, [step, 2 * step, step])))
    return request(
        *parts, metadata("requests_total", 1, "All <requests>."), metadata("temperature", 2, "Of the room.", "celsius"))


def pushes(start_s, now_s):
    """What is written, in this order; the answers to all else depend on it."""
    now_ms = now_s * 1000
    one = request(series({"__name__": "one"}, [(now_ms, 1.0)]))
    many = {"__name__": "m", **{f"l{i}": "x" for i in range(8)}}
    return [
        write(data(start_s)),
        write(one),
        write(one),                                                                      # the same again is no error
        write(request(series({"__name__": "one"}, [(now_ms, 2.0)]))),                    # duplicate time
        write(request(series({"__name__": "one"}, [(now_ms - 1000, 1.0)]))),             # out of order
        write(request(series({"__name__": "one"}, [(now_ms + 3600_000, 1.0)]))),         # far in the future
        write(request(series({"job": "a"}, [(now_ms, 1.0)]))),                           # no name
        write(request(series({"__name__": "m", "a": b"\xff\xfe"}, [(now_ms, 1.0)]))),    # no UTF-8
        write(request(series({"__name__": "m", "a": "v" * 3000}, [(now_ms, 1.0)]))),     # long value
        write(request(series({"__name__": "half"}, [(now_ms, 1.0)]), series({"a": "b"}, [(now_ms, 1.0)]))),
        write(b""),
        write(b"not snappy at all"),
        write(one[:-3]),
        write(one, **{"Content-Type": "application/json"}),
        write(one, **{"X-Prometheus-Remote-Write-Version": "2.0.0"}),
        write(one, **{"Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request"}),
        write(one, {}),                                                                  # no tenant
        write(one, {"X-Scope-OrgID": "a|b"}),
        write(one, {"X-Scope-OrgID": "no/tenant"}),
        write(request(series(many, [(now_ms, 1.0)])), SMALL),                            # too many labels
        write(request(*(series({"__name__": f"s{i}"}, [(now_ms, 1.0)]) for i in range(3))), SMALL),
        write(request(series({"__name__": "s3"}, [(now_ms, 1.0)])), SMALL),              # too many series
        write(request(*(series({"__name__": f"s{i}"}, [(now_ms + 1, 1.0)]) for i in range(40))), SMALL),   # rate
    ]


def queries(start_s, now_s):
    end = start_s + SPAN_S
    whole = {"start": start_s, "end": end, "step": 900}
    hour = {"start": end - 3600, "end": end, "step": 60}
    expressions = [
        "requests_total", "sum by (job) (rate(requests_total[1h]))", "temperature", 'requests_total{pod=~".*-1"}',
        "histogram_quantile(0.9, rate(latency_bucket[1h]))", "native", "histogram_count(native)", "rate(native[1h])",
        "topk(2, requests_total)", "sort_desc(requests_total)", "requests_total / on (pod) group_left () requests_total", "absent(nothing)",
        "max_over_time(requests_total[2h:10m])", "requests_total offset 1d", "1 + 1", "time()", '"text"', "vector(1)",
        "label_replace(temperature, 'x', '$1', 'room', '(.*)')", "requests_total @ end()", "round(stddev(requests_total), 0.001)",
        "quantile_over_time(0.5, temperature[3h])", "count_values('v', temperature)", "nothing", "1 / 0", "-(0/0)",
    ]
    broken = [
        "", "sum(", "requests_total{", "{}", '{__name__=~".*"}', "rate(requests_total)", "unknown(requests_total)",
        "requests_total[5m]", 'requests_total{job=~"("}', "requests_total * on (job) temperature * requests_total",
        "\u00e4\u00f6\u00fc", "sum(\n  requests_total", "a" * 500,
    ]
    cases = [ask("query", query=one, time=end) for one in expressions + broken]
    cases += [ask("query_range", query=one, **whole) for one in expressions + broken]
    cases += [ask("query_range", query=one, **hour) for one in expressions[:6]]
    cases += [ask("query", method="POST", query=one, time=end) for one in expressions[:2] + broken[:2]]
    cases += [
        ask("query_range", method="POST", query="requests_total", **whole),
        ask("query", query="requests_total[2h]", time=end),
        ask("query", query="native[2h]", time=end),
        ask("query", query="requests_total", time="2026-01-01T00:00:00Z"),
        ask("query", query="requests_total", time="yesterday"),
        ask("query", query="sum(requests_total)", compare=Compare.SHAPE),   # now
        ask("query", query="requests_total", time=end, timeout="1ns"),
        ask("query", query="requests_total", time=end, timeout="x"),
        ask("query", query="requests_total", time=end, limit=2, compare=Compare.SHAPE),   # which two is open
        ask("query", query="requests_total", time=end, lookback_delta="1m"),
        ask("query", query="requests_total", time=end, stats="all", compare=Compare.SHAPE),
        ask("query", headers={}, query="requests_total", time=end),
        ask("query", headers={"X-Scope-OrgID": "a|b"}, query="requests_total", time=end),
        ask("query", headers={"X-Scope-OrgID": "no/tenant"}, query="requests_total", time=end),
        ask("query", headers=NOBODY, query="requests_total", time=end),
        ask("query", headers={**TENANT, "Accept-Encoding": "gzip"}, query="requests_total", time=end),
        ask("query", headers={**TENANT, "Cache-Control": "no-store"}, query="requests_total", time=end),
        ask("query_range", query="requests_total"),
        ask("query_range", query="requests_total", start=end, end=start_s, step=60),
        ask("query_range", query="requests_total", start=start_s, end=end, step=0),
        ask("query_range", query="requests_total", start=start_s, end=end, step=-1),
        ask("query_range", query="requests_total", start=start_s, end=end, step=1),   # too many points
        ask("query_range", query="requests_total", start=start_s, end=end, step="5m"),
        ask("query_range", query="requests_total", start="x", end=end, step=60),
        ask("query_range", headers=NOBODY, query="requests_total", **whole),
        ask("query_range", headers=SMALL, query="s0", **whole),                       # too long
        ask("query_range", headers=SMALL, query="s0", **hour),
        ask("query", headers=SMALL, query='{__name__=~"s.+"}', time=now_s + 1),       # too many series
        ask("query", headers=SMALL, query="s0 + " * 50 + "s0", time=now_s + 1),       # too long a text
        ask("query", headers=SMALL, query="s0", time=now_s + 1),
    ]
    # Which two of several series the message names is open.
    many = "requests_total + on (job) requests_total"
    return cases + [ask("query", query=many, time=end, compare=Compare.HEAD), ask("query_range", query=many, compare=Compare.HEAD, **whole)]


def lookups(start_s, now_s):
    end = start_s + SPAN_S
    window = {"start": start_s, "end": end}
    label_route = f"{PROMETHEUS}/label/{{name}}/values"

    def values(name, headers=TENANT, method="GET", **parameters):
        return ask(f"label/{name}/values", headers, method, label_route, **parameters)

    matches = [["requests_total"], ['{job="db"}', "temperature"], ['{pod=~".+-0"}'], ["nothing"], ["bad{"], ["{}"], []]
    cases = []
    for match in matches:
        chosen = {"match": match, **window} if match else window
        cases += [ask("series", **chosen), ask("labels", **chosen), values("job", **chosen), values("pod", **chosen)]
        cases += [ask("series", method="POST", **chosen), ask("labels", method="POST", **chosen)]
    cases += [
        ask("labels"), values("__name__"), values("nothing"), values("room"), values("U__job"), values("bad-name"), values("%ff"),
        ask("series", match="requests_total", limit=2, **window), ask("labels", limit=2, **window),
        values("pod", limit=2, **window), ask("labels", limit="x"), ask("labels", start="x"), ask("labels", start=end, end=start_s),
        ask("series", headers=NOBODY, match="requests_total", **window), ask("labels", headers=NOBODY, **window),
        ask("labels", headers={}), ask("series", headers={}, match="requests_total"), values("job", headers={}),
        ask("labels", headers=SMALL, **window), ask("series", headers=SMALL, match="s0", **window),   # too long
        ask("metadata"), ask("metadata", metric="temperature"), ask("metadata", metric="nothing"),
        ask("metadata", limit=1), ask("metadata", limit=0), ask("metadata", limit="x"), ask("metadata", limit_per_metric=1),
        ask("metadata", headers={}), ask("metadata", headers=NOBODY),
        ask("query_exemplars", query="requests_total", **window), ask("query_exemplars", query='sum(requests_total{job="db"})', **window),
        ask("query_exemplars", query="requests_total"), ask("query_exemplars", query="sum(", **window),
        ask("query_exemplars", method="POST", query="requests_total", **window),
        ask("query_exemplars", headers={}, query="requests_total", **window),
        ask("format_query", query="sum by(job)(rate(requests_total[5m]))"), ask("format_query", query="sum("), ask("format_query"),
        ask("format_query", method="POST", query="1+1"), ask("format_query", headers={}, query="1"),
    ]
    return cases


def reads(start_s):
    """Remote read."""
    cases = []
    start_ms, end_ms = start_s * 1000, (start_s + SPAN_S) * 1000
    equal, matching = 0, 2
    name = (equal, "__name__", "requests_total")
    for accepted in ((), (0,), (1,), (1, 0), (9,)):
        cases.append(read(start_ms, end_ms, [name], accepted))
        cases.append(read(start_ms, end_ms, [(equal, "__name__", "native")], accepted))
    cases += [
        read(end_ms - 3600_000, end_ms, [name, (matching, "pod", ".*-1")]), read(start_ms, end_ms, [(matching, "job", "(")]),
        read(start_ms, end_ms, [name], headers={}), read(start_ms, end_ms, [name], headers=NOBODY),
        Case(f"{PROMETHEUS}/read", f"{PROMETHEUS}/read", "POST", body=b"not snappy"),
    ]
    return cases


def of_the_process():
    """Pages: where they speak of one process, or of one ring's addresses, only their kind can be compared."""
    json_too = {**TENANT, "Accept": "application/json"}
    cases = [
        Case("/ready", "/ready"), Case("/services", "/services", compare=Compare.HEAD),
        Case("/services", "/services", headers=json_too, compare=Compare.SHAPE),
        Case("/config", "/config", compare=Compare.KEYS), Case("/config", "/config?mode=defaults"),
        Case("/config", "/config?mode=diff", compare=Compare.HEAD), Case("/config", "/config?mode=other"),
        Case("/metrics", "/metrics", compare=Compare.HEAD),
        Case("/runtime_config", "/runtime_config"), Case("/runtime_config", "/runtime_config?mode=diff"),
        Case("/api/v1/status/buildinfo", "/api/v1/status/buildinfo"),
        Case(f"{PROMETHEUS}/status/buildinfo", f"{PROMETHEUS}/status/buildinfo"),
        Case("/distributor/ha_tracker", "/distributor/ha_tracker"),
        Case("/distributor/ha_tracker", "/distributor/ha_tracker", headers=json_too, compare=Compare.SHAPE),
        Case("/", "/"),
    ]
    for component in ("ingester", "distributor", "querier", "query-frontend", "query-scheduler"):
        path = f"/{component}/ring"
        cases += [
            Case(path, path, compare=Compare.HEAD), Case(path, path, headers=json_too, compare=Compare.SHAPE),
            Case(path, path, "POST", {**TENANT, "Content-Type": "application/x-www-form-urlencoded"}, b"forget=nobody"),
            Case(path, path, "POST", {**TENANT, "Content-Type": "application/x-www-form-urlencoded"}, b""),
        ]
    for file in ("app.js", "dom.js", "feed.js", "graph.js", "layout.js", "sections.js", "style.css", "time.js"):
        cases.append(Case(f"/ui/{file}", f"/ui/{file}"))
    return cases


def of_the_ingester():
    """What changes the ingester comes last, and its end in the very end."""
    def call(name, method, body=None, **more):
        return Case(f"/ingester/{name}", f"/ingester/{name}", method, body=body, **more)
    unregister = "unregister-on-shutdown"
    downscale = "prepare-instance-ring-downscale"
    return [
        call("flush?wait=true&tenant=nobody", "POST"), call("flush?tenant=no/tenant", "POST"),
        call("prepare-shutdown", "GET"), call("prepare-shutdown", "POST"), call("prepare-shutdown", "GET"),
        call("prepare-shutdown", "DELETE"), call("prepare-shutdown", "GET"),
        call(unregister, "GET"), call(unregister, "PUT", b'{"unregister": false}'), call(unregister, "GET"),
        call(unregister, "PUT", b"{}"), call(unregister, "PUT", b"no json"), call(unregister, "DELETE"),
        call(downscale, "GET"), call(downscale, "POST", compare=Compare.SHAPE), call(downscale, "GET", compare=Compare.SHAPE),
        call(downscale, "DELETE"), call("flush?wait=true", "POST"), call("shutdown", "POST"),
    ]


def unknown_paths():
    paths = ["/nope", "/api/v1/nope", "/api/v1/push/", "/api/v1", f"{PROMETHEUS}/", f"{PROMETHEUS}/rules", f"{PROMETHEUS}/labels/",
             f"{PROMETHEUS}/label//values", "/prometheus", "//", "/ingester", "/ingester/nope", "/ui/", "/internal/v1/hello",
             "/internal/v1/ingester/push", f"{PROMETHEUS}/../v1/labels", "/%2e%2e/ready"]
    return [Case("", path, method) for path in paths for method in ("GET", "POST")]


def wrong_methods(routes):
    """Of every route; the names of its parameters do not matter."""
    return [Case(route, route.replace("{name}", "job"), method) for route in routes for method in ("PATCH", "HEAD", "OPTIONS")]
