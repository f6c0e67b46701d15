#pragma once

#include "telemetry/metrics.hpp"

namespace mimir::tsdb {

/// What the storage of all tenants of a process counts.
struct Metrics {
    explicit Metrics(telemetry::MetricScope& scope)
        : compactions(scope.counter(
              "cortex_ingester_tsdb_compactions_total", "Blocks cut from heads, and blocks merged."
          )),
          compactions_failed(scope.counter(
              "cortex_ingester_tsdb_compactions_failed_total",
              "Failed attempts to cut or merge blocks."
          )),
          compaction_duration(scope.histogram(
              "cortex_ingester_tsdb_compaction_duration_seconds",
              "How long cutting or merging a block took.",
              telemetry::exponential_buckets(0.01, 4, 8)
          )),
          head_truncations_failed(scope.counter(
              "cortex_ingester_tsdb_head_truncations_failed_total",
              "Failed attempts to drop from a head what a block holds."
          )),
          wal_corruptions(scope.counter(
              "cortex_ingester_tsdb_wal_corruptions_total",
              "Damages found, and repaired or set aside, while opening heads."
          )),
          blocks_quarantined(scope.counter(
              "mimird_tsdb_blocks_quarantined_total",
              "Local blocks set aside because they were damaged."
          )),
          blocks_deleted(scope.counter(
              "mimird_tsdb_blocks_deleted_total",
              "Local blocks deleted because of their age or because they were merged."
          )) {}

    telemetry::Counter& compactions;
    telemetry::Counter& compactions_failed;
    telemetry::Histogram& compaction_duration;
    telemetry::Counter& head_truncations_failed;
    telemetry::Counter& wal_corruptions;
    telemetry::Counter& blocks_quarantined;
    telemetry::Counter& blocks_deleted;
};

}  // namespace mimir::tsdb
