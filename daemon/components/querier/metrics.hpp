#pragma once

#include "telemetry/metrics.hpp"

namespace mimir::querier {

struct Metrics {
    explicit Metrics(telemetry::MetricScope& scope)
        : query_seconds(scope.counters(
              "cortex_query_seconds_total", "Time spent evaluating queries.", {"user"}
          )),
          fetched_series(scope.counters(
              "cortex_query_fetched_series_total", "Series that queries selected.", {"user"}
          )),
          fetched_chunks(scope.counters(
              "cortex_query_fetched_chunks_total", "Chunks that queries read.", {"user"}
          )),
          fetched_chunk_bytes(scope.counters(
              "cortex_query_fetched_chunk_bytes_total",
              "Bytes of chunks that queries read.",
              {"user"}
          )),
          samples_processed(scope.counters(
              "cortex_query_samples_processed_total", "Samples that queries decoded.", {"user"}
          )),
          inflight_requests(
              scope.gauge("cortex_querier_inflight_requests", "Queries that are being evaluated.")
          ) {}

    telemetry::Family<telemetry::Counter>& query_seconds;
    telemetry::Family<telemetry::Counter>& fetched_series;
    telemetry::Family<telemetry::Counter>& fetched_chunks;
    telemetry::Family<telemetry::Counter>& fetched_chunk_bytes;
    telemetry::Family<telemetry::Counter>& samples_processed;
    telemetry::Gauge& inflight_requests;
};

}  // namespace mimir::querier
