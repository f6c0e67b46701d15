"""Fifteen kinds of query, over the load generator's series (tests/bench/loadgen/catalogue.cpp)."""

QUERIES = {
    "selector": 'http_requests_total{cluster="prod-eu-west-1"}',
    "sum": "sum(http_requests_total)",
    "sum by": "sum by (namespace, status_code) (http_requests_total)",
    "rate": 'rate(http_requests_total{namespace="checkout"}[5m])',
    "sum by rate": "sum by (namespace) (rate(http_requests_total[5m]))",
    "topk": 'topk(10, rate(http_requests_total{method="GET"}[5m]))',
    "quantile": "quantile by (cluster) (0.9, process_resident_memory_bytes)",
    "histogram_quantile":
        "histogram_quantile(0.99, sum by (le, handler) (rate(http_request_duration_seconds_bucket[5m])))",
    "regex": 'sum(http_requests_total{handler=~"/api/v1/.*", status_code!~"5.."})',
    "avg_over_time": "avg_over_time(container_cpu_usage_percent[10m])",
    "max_over_time": "max_over_time(process_resident_memory_bytes[30m])",
    "binary group_left":
        'rate(http_requests_total{status_code="500"}[5m]) / on (pod, handler) group_left ()'
        " sum by (pod, handler) (rate(http_requests_total[5m]))",
    "label_replace": 'label_replace(process_resident_memory_bytes, "owner", "$1", "pod", "(.*)-api-.*")',
    "count by": 'count by (node) ({__name__=~"process_.*"})',
    # Not on a whole minute: ranges are closed on the left in Prometheus 2, and open from 3 on.
    "subquery": 'max_over_time(sum by (namespace) (rate(http_requests_total{method="POST"}[5m]))[29m30s:1m])',
}
