#pragma once

#include <memory>
#include <string>

#include "telemetry/metrics.hpp"
#include "tsdb/metrics.hpp"

namespace mimir::ingester {

using telemetry::Counter;
using telemetry::Family;
using telemetry::Gauge;
using telemetry::MetricScope;

struct Metrics {
    explicit Metrics(MetricScope& scope)
        : storage(scope),
          ingested_samples(scope.counters(
              "cortex_ingester_ingested_samples_total", "Samples that were stored.", {"user"}
          )),
          ingested_samples_failures(scope.counters(
              "cortex_ingester_ingested_samples_failures_total",
              "Samples that were refused.",
              {"user"}
          )),
          ingested_exemplars(scope.counter(
              "cortex_ingester_ingested_exemplars_total", "Exemplars that were stored."
          )),
          ingested_metadata(
              scope.counter("cortex_ingester_ingested_metadata_total", "Metadata that were stored.")
          ),
          series_created(scope.counters(
              "cortex_ingester_memory_series_created_total",
              "Series that were created in memory, or replayed into it.",
              {"user"}
          )),
          discarded_samples(scope.counters(
              "cortex_discarded_samples_total",
              "Samples that were refused.",
              {"reason", "user", "group"}
          )),
          discarded_metadata(scope.counters(
              "cortex_discarded_metadata_total", "Metadata that were refused.", {"reason", "user"}
          )),
          queries(scope.counter("cortex_ingester_queries_total", "Selections of series.")),
          tenants_failed(scope.gauge(
              "mimird_ingester_tenants_unavailable",
              "Tenants whose storage could not be opened; the log says why."
          )),
          inflight_pushes(scope.gauge("cortex_ingester_inflight_push_requests", "Pushes under way.")
          ),
          instance_limits(scope.gauges(
              "cortex_ingester_instance_limits", "Limits of this instance; 0 for none.", {"limit"}
          )),
          rejected_requests(scope.counters(
              "cortex_ingester_instance_rejected_requests_total",
              "Pushes that were refused for a limit of this instance.",
              {"reason"}
          )),
          prepared_for_shutdown(scope.gauge(
              "cortex_ingester_prepare_shutdown_requested",
              "1 when the ingester flushes and leaves the ring at its next stop."
          )) {}

    tsdb::Metrics storage;
    Family<Counter>& ingested_samples;
    Family<Counter>& ingested_samples_failures;
    Counter& ingested_exemplars;
    Counter& ingested_metadata;
    Family<Counter>& series_created;
    Family<Counter>& discarded_samples;
    Family<Counter>& discarded_metadata;
    Counter& queries;
    Gauge& tenants_failed;
    Gauge& inflight_pushes;
    Family<Gauge>& instance_limits;
    Family<Counter>& rejected_requests;
    Gauge& prepared_for_shutdown;
};

/// Those of one tenant that every request touches, found once.
struct TenantMetrics {
    TenantMetrics(Metrics& metrics, const std::string& tenant)
        : ingested_samples(metrics.ingested_samples.with({tenant})),
          ingested_samples_failures(metrics.ingested_samples_failures.with({tenant})),
          series_created(metrics.series_created.with({tenant})) {}

    std::shared_ptr<Counter> ingested_samples;
    std::shared_ptr<Counter> ingested_samples_failures;
    std::shared_ptr<Counter> series_created;
};

}  // namespace mimir::ingester
