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
          )) {}

    telemetry::Family<telemetry::Counter>& queries;
    telemetry::Family<telemetry::Counter>& rejected_queries;
};

}  // namespace mimir::query_frontend
