#pragma once

#include "telemetry/metrics.hpp"

namespace mimir::query_scheduler {

struct Metrics {
    explicit Metrics(telemetry::MetricScope& scope)
        : queue_length(scope.gauges(
              "cortex_query_scheduler_queue_length", "Queries that wait for a querier.", {"user"}
          )),
          discarded_requests(scope.counters(
              "cortex_query_scheduler_discarded_requests_total",
              "Queries that were refused because the tenant had too many waiting.",
              {"user"}
          )),
          queue_duration(scope.histogram(
              "cortex_query_scheduler_queue_duration_seconds",
              "Time that queries waited for a querier.",
              telemetry::exponential_buckets(0.0005, 4, 10)
          )),
          inflight_requests(scope.gauge(
              "cortex_query_scheduler_inflight_requests",
              "Queries that wait for a querier, or were given one and have not ended."
          )),
          connected_queriers(scope.gauge(
              "cortex_query_scheduler_connected_querier_clients", "Queriers that have slots here."
          )),
          open_slots(scope.gauge("mimird_query_scheduler_open_slots", "Slots that queriers offer.")
          ) {}

    telemetry::Family<telemetry::Gauge>& queue_length;
    telemetry::Family<telemetry::Counter>& discarded_requests;
    telemetry::Histogram& queue_duration;
    telemetry::Gauge& inflight_requests;
    telemetry::Gauge& connected_queriers;
    telemetry::Gauge& open_slots;
};

}  // namespace mimir::query_scheduler
