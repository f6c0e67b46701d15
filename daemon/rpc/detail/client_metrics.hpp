#pragma once

#include <array>
#include <memory>

#include "base/error.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::rpc::detail {

/// Of the calls that this process makes.
struct ClientMetrics {
    using Counters = telemetry::Family<telemetry::Counter>;
    using Gauges = telemetry::Family<telemetry::Gauge>;
    using Histograms = telemetry::Family<telemetry::Histogram>;

    explicit ClientMetrics(telemetry::MetricScope& scope)
        : requests(scope.counters(
              "mimird_rpc_client_requests_total",
              "Calls to other processes, by how they ended.",
              {"addr", "call", "outcome"}
          )),
          durations(scope.histograms(
              "mimird_rpc_client_request_duration_seconds",
              "Time until the answer of another process was there, or the end of its stream.",
              {"addr", "call"},
              telemetry::exponential_buckets(0.001, 4, 7)
          )),
          request_bytes(scope.counters(
              "mimird_rpc_client_request_bytes_total", "Bodies sent to other processes.", {"addr"}
          )),
          in_flight(scope.gauges(
              "mimird_rpc_client_in_flight", "Calls to other processes under way.", {"addr"}
          )),
          queued(scope.gauges(
              "mimird_rpc_client_queued", "Calls that wait for a free connection.", {"addr"}
          )),
          circuit_open(scope.gauges(
              "mimird_rpc_client_circuit_open",
              "1 while calls fail at once, since the other process could not be reached.",
              {"addr"}
          )) {}

    Counters& requests;
    Histograms& durations;
    Counters& request_bytes;
    Gauges& in_flight;
    Gauges& queued;
    Gauges& circuit_open;
};

/// Of one call to one peer.
struct CallMetrics {
    static constexpr std::size_t kOutcomes = 10;  // success, and the kinds of errors

    std::shared_ptr<telemetry::Histogram> duration;
    std::array<std::shared_ptr<telemetry::Counter>, kOutcomes> outcomes;
};

}  // namespace mimir::rpc::detail
