"""Answers of the Prometheus API, so that those of two servers can be compared."""

import math


def by_labels(data):
    """{labels: [(time, value)]} of a vector, matrix or scalar."""
    if data["resultType"] == "scalar":
        return {(): [tuple(data["result"])]}
    series = {}
    for one in data["result"]:
        points = one["values"] if "values" in one else [one["value"]]
        series[tuple(sorted(one["metric"].items()))] = [(float(time), value) for time, value in points]
    return series


def same_value(a, b):
    a, b = float(a), float(b)
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
