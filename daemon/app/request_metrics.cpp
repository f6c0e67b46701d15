#include "app/request_metrics.hpp"

#include <fmt/format.h>

namespace mimir::app {
namespace {

/// dskit's, so that Mimir's dashboards and rules find their buckets.
telemetry::Buckets duration_buckets() {
    return {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 25, 50, 100};
}
telemetry::Buckets size_buckets() {
    constexpr double kMebi = 1 << 20;
    return {
        1 * kMebi,
        2.5 * kMebi,
        5 * kMebi,
        10 * kMebi,
        25 * kMebi,
        50 * kMebi,
        100 * kMebi,
        250 * kMebi
    };
}

}  // namespace

RequestMetrics::RequestMetrics(telemetry::MetricScope& scope, telemetry::Logger log)
    : log_(std::move(log)),
      duration_(scope.histograms(
          "cortex_request_duration_seconds",
          "Time (in seconds) spent serving HTTP requests.",
          {"method", "route", "status_code", "ws"},
          duration_buckets()
      )),
      request_bytes_(scope.histograms(
          "cortex_request_message_bytes",
          "Size (in bytes) of messages received in the request.",
          {"method", "route"},
          size_buckets()
      )),
      response_bytes_(scope.histograms(
          "cortex_response_message_bytes",
          "Size (in bytes) of messages sent in response.",
          {"method", "route"},
          size_buckets()
      )),
      inflight_(scope.gauges(
          "cortex_inflight_requests", "Current number of inflight requests.", {"method", "route"}
      )) {}

void RequestMetrics::request_started(http::Method method, std::string_view route) {
    inflight_.with({to_string(method), route})->inc();
}

void RequestMetrics::request_finished(const http::RequestSummary& request) {
    const std::string_view method = to_string(request.method);
    inflight_.with({method, request.route})->dec();
    duration_.with({method, request.route, fmt::to_string(request.status), "false"})
        ->observe(request.duration);
    request_bytes_.with({method, request.route})
        ->observe(static_cast<double>(request.request_bytes));
    response_bytes_.with({method, request.route})
        ->observe(static_cast<double>(request.response_bytes));

    const bool failed = request.status >= 500;
    if (!failed && !log_.enabled(telemetry::LogLevel::debug)) return;
    std::string_view tenant;
    if (request.context.tenant) tenant = request.context.tenant->str();
    const telemetry::Fields fields = {
        {"user", tenant},
        {"method", method},
        {"target", request.target.substr(0, 1024)},
        {"status", request.status},
        {"duration", request.duration},
        {"addr", request.peer.address},
        {"trace_id", request.context.trace_id},
    };
    if (failed) {
        log_.warn("request failed", fields);
    } else {
        log_.debug("request", fields);
    }
}

}  // namespace mimir::app
