#pragma once

#include <string>

#include "http/server.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::app {

/// Counts and logs every request of the server, under Mimir's names.
class RequestMetrics final : public http::RequestObserver {
  public:
    RequestMetrics(telemetry::MetricScope& scope, telemetry::Logger log);

    void request_started(http::Method method, std::string_view route) override;
    /// Logs at debug; what failed on our side at warn.
    void request_finished(const http::RequestSummary& summary) override;

  private:
    const telemetry::Logger log_;
    telemetry::Family<telemetry::Histogram>& duration_;
    telemetry::Family<telemetry::Histogram>& request_bytes_;
    telemetry::Family<telemetry::Histogram>& response_bytes_;
    telemetry::Family<telemetry::Gauge>& inflight_;
};

}  // namespace mimir::app
