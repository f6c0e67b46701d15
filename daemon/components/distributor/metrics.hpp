#pragma once

#include <memory>
#include <string>

#include "telemetry/metrics.hpp"

namespace mimir::distributor {

using telemetry::Counter;
using telemetry::Family;
using telemetry::Gauge;
using telemetry::Histogram;
using telemetry::MetricScope;

struct Metrics {
    explicit Metrics(MetricScope& scope)
        : requests_in(scope.counters(
              "cortex_distributor_requests_in_total",
              "Push requests that came in, before any was refused.",
              {"user", "version"}
          )),
          samples_in(scope.counters(
              "cortex_distributor_samples_in_total",
              "Samples that came in, before any was refused.",
              {"user"}
          )),
          exemplars_in(scope.counters(
              "cortex_distributor_exemplars_in_total",
              "Exemplars that came in, before any was refused.",
              {"user"}
          )),
          metadata_in(scope.counters(
              "cortex_distributor_metadata_in_total",
              "Metadata that came in, before any was refused.",
              {"user"}
          )),
          received_requests(scope.counters(
              "cortex_distributor_received_requests_total",
              "Push requests that were passed on.",
              {"user"}
          )),
          received_samples(scope.counters(
              "cortex_distributor_received_samples_total", "Samples that were passed on.", {"user"}
          )),
          received_exemplars(scope.counters(
              "cortex_distributor_received_exemplars_total",
              "Exemplars that were passed on.",
              {"user"}
          )),
          received_metadata(scope.counters(
              "cortex_distributor_received_metadata_total",
              "Metadata that were passed on.",
              {"user"}
          )),
          latest_seen_sample(scope.gauges(
              "cortex_distributor_latest_seen_sample_timestamp_seconds",
              "Time of the newest sample that came in.",
              {"user"}
          )),
          discarded_samples(scope.counters(
              "cortex_discarded_samples_total",
              "Samples that were refused.",
              {"reason", "user", "group"}
          )),
          discarded_exemplars(scope.counters(
              "cortex_discarded_exemplars_total", "Exemplars that were refused.", {"reason", "user"}
          )),
          discarded_metadata(scope.counters(
              "cortex_discarded_metadata_total", "Metadata that were refused.", {"reason", "user"}
          )),
          discarded_requests(scope.counters(
              "cortex_discarded_requests_total",
              "Push requests that were refused as a whole.",
              {"reason", "user"}
          )),
          rejected_requests(scope.counters(
              "cortex_distributor_instance_rejected_requests_total",
              "Push requests that were refused for a limit of this instance.",
              {"reason"}
          )),
          inflight_requests(
              scope.gauge("cortex_distributor_inflight_push_requests", "Push requests under way.")
          ),
          inflight_bytes(scope.gauge(
              "cortex_distributor_inflight_push_requests_bytes",
              "Bytes of the push requests under way."
          )),
          instance_limits(scope.gauges(
              "cortex_distributor_instance_limits",
              "Limits of this instance; 0 for none.",
              {"limit"}
          )),
          deduped_samples(scope.counters(
              "cortex_distributor_deduped_samples_total",
              "Samples that were dropped because another replica is elected.",
              {"user", "cluster"}
          )),
          non_ha_samples(scope.counters(
              "cortex_distributor_non_ha_samples_received_total",
              "Samples of requests that name no cluster and replica, of tenants that may.",
              {"user"}
          )),
          ingester_push_failures(scope.counters(
              "mimird_distributor_ingester_push_failures_total",
              "Pushes to ingesters that failed.",
              {"ingester", "status_code"}
          )) {}

    Family<Counter>& requests_in;
    Family<Counter>& samples_in;
    Family<Counter>& exemplars_in;
    Family<Counter>& metadata_in;
    Family<Counter>& received_requests;
    Family<Counter>& received_samples;
    Family<Counter>& received_exemplars;
    Family<Counter>& received_metadata;
    Family<Gauge>& latest_seen_sample;
    Family<Counter>& discarded_samples;
    Family<Counter>& discarded_exemplars;
    Family<Counter>& discarded_metadata;
    Family<Counter>& discarded_requests;
    Family<Counter>& rejected_requests;
    Gauge& inflight_requests;
    Gauge& inflight_bytes;
    Family<Gauge>& instance_limits;
    Family<Counter>& deduped_samples;
    Family<Counter>& non_ha_samples;
    Family<Counter>& ingester_push_failures;
};

/// Those of one tenant that every request touches, found once.
struct TenantMetrics {
    TenantMetrics(Metrics& metrics, const std::string& tenant)
        : requests_in(metrics.requests_in.with({tenant, "1.0"})),
          samples_in(metrics.samples_in.with({tenant})),
          exemplars_in(metrics.exemplars_in.with({tenant})),
          metadata_in(metrics.metadata_in.with({tenant})),
          received_requests(metrics.received_requests.with({tenant})),
          received_samples(metrics.received_samples.with({tenant})),
          received_exemplars(metrics.received_exemplars.with({tenant})),
          received_metadata(metrics.received_metadata.with({tenant})),
          latest_seen_sample(metrics.latest_seen_sample.with({tenant})) {}

    std::shared_ptr<Counter> requests_in;
    std::shared_ptr<Counter> samples_in;
    std::shared_ptr<Counter> exemplars_in;
    std::shared_ptr<Counter> metadata_in;
    std::shared_ptr<Counter> received_requests;
    std::shared_ptr<Counter> received_samples;
    std::shared_ptr<Counter> received_exemplars;
    std::shared_ptr<Counter> received_metadata;
    std::shared_ptr<Gauge> latest_seen_sample;
};

}  // namespace mimir::distributor
