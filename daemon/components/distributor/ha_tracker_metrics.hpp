#pragma once

#include "telemetry/metrics.hpp"

namespace mimir::distributor {

struct HaTrackerMetrics {
    using Counter = telemetry::Counter;
    using Gauge = telemetry::Gauge;
    template <class Metric>
    using Family = telemetry::Family<Metric>;

    explicit HaTrackerMetrics(telemetry::MetricScope& scope)
        : elected_changes(scope.counters(
              "cortex_ha_tracker_elected_replica_changes_total",
              "How often another replica was elected.",
              {"user", "cluster"}
          )),
          elected_timestamp(scope.gauges(
              "cortex_ha_tracker_elected_replica_timestamp_seconds",
              "When the elected replica's samples came last, as the store says.",
              {"user", "cluster"}
          )),
          elected_change_timestamp(scope.gauges(
              "cortex_ha_tracker_elected_replica_change_timestamp_seconds",
              "When the replica was elected.",
              {"user", "cluster"}
          )),
          kv_writes(scope.counters(
              "cortex_ha_tracker_kv_store_cas_total",
              "Writes to the key-value store that were tried.",
              {"user", "cluster"}
          )),
          cleanups(scope.counter(
              "cortex_ha_tracker_replicas_cleanup_started_total", "Clean-ups of idle clusters."
          )),
          marked(scope.counter(
              "cortex_ha_tracker_replicas_cleanup_marked_for_deletion_total",
              "Idle clusters that were marked."
          )),
          deleted(scope.counter(
              "cortex_ha_tracker_replicas_cleanup_deleted_total",
              "Marked clusters that were removed."
          )),
          delete_failed(scope.counter(
              "cortex_ha_tracker_replicas_cleanup_delete_failed_total",
              "Idle clusters that could not be marked or removed."
          )) {}

    Family<Counter>& elected_changes;
    Family<Gauge>& elected_timestamp;
    Family<Gauge>& elected_change_timestamp;
    Family<Counter>& kv_writes;
    Counter& cleanups;
    Counter& marked;
    Counter& deleted;
    Counter& delete_failed;
};

}  // namespace mimir::distributor
