#pragma once

#include "telemetry/metrics.hpp"

namespace mimir::continuous_test {

using telemetry::Counter;
using telemetry::Family;
using telemetry::MetricScope;

struct Metrics {
    explicit Metrics(MetricScope& scope)
        : writes(scope.counters(
              "mimir_continuous_test_writes_total", "Pushes that were sent.", {"test"}
          )),
          writes_failed(scope.counters(
              "mimir_continuous_test_writes_failed_total",
              "Pushes that were not taken; status code 0 for those without an answer.",
              {"status_code", "test"}
          )),
          queries(scope.counters(
              "mimir_continuous_test_queries_total", "Queries that were sent.", {"test"}
          )),
          queries_failed(scope.counters(
              "mimir_continuous_test_queries_failed_total",
              "Queries that were not answered.",
              {"test"}
          )),
          checks(scope.counters(
              "mimir_continuous_test_query_result_checks_total",
              "Answers that were compared with what was written.",
              {"test"}
          )),
          checks_failed(scope.counters(
              "mimir_continuous_test_query_result_checks_failed_total",
              "Answers that were not what was written.",
              {"test"}
          )) {}

    Family<Counter>& writes;
    Family<Counter>& writes_failed;
    Family<Counter>& queries;
    Family<Counter>& queries_failed;
    Family<Counter>& checks;
    Family<Counter>& checks_failed;
};

}  // namespace mimir::continuous_test
