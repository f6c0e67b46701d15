#pragma once

#include "telemetry/metrics.hpp"

namespace mimir::query_frontend {

struct Metrics {
    explicit Metrics(telemetry::MetricScope& scope)
        : queries(scope.counters(
              "cortex_query_frontend_queries_total", "Queries that came in.", {"op", "user"}
          )),
          rejected_queries(scope.counters(
              "cortex_query_frontend_rejected_queries_total",
              "Queries that were refused for a limit of the tenant.",
              {"user", "reason"}
          )),
          split_queries(scope.counter(
              "cortex_frontend_split_queries_total",
              "Parts that range queries were split into by time."
          )),
          retries(scope.histogram(
              "cortex_query_frontend_retries",
              "How often a part of a query was tried again.",
              {0, 1, 2, 3, 4, 5}
          )) {}

    telemetry::Family<telemetry::Counter>& queries;
    telemetry::Family<telemetry::Counter>& rejected_queries;
    telemetry::Counter& split_queries;
    telemetry::Histogram& retries;
};

}  // namespace mimir::query_frontend
