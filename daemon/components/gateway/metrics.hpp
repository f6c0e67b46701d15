#pragma once

#include "telemetry/metrics.hpp"

namespace mimir::gateway {

using telemetry::Counter;
using telemetry::Family;
using telemetry::Gauge;
using telemetry::MetricScope;

struct Metrics {
    explicit Metrics(MetricScope& scope)
        : requests(scope.counters(
              "mimird_gateway_requests_total",
              "Requests for modules that the gateway routes, answered here or passed on.",
              {"route", "module", "status_code"}
          )),
          inflight_requests(scope.gauges(
              "mimird_gateway_inflight_requests",
              "Requests for modules that the gateway routes under way.",
              {"module"}
          )),
          retries(scope.counters(
              "mimird_gateway_retries_total",
              "Requests that were sent to another instance after one failed.",
              {"module"}
          )),
          parked_requests(scope.gauge(
              "mimird_gateway_parked_requests",
              "Requests that wait for an instance of their module to answer."
          )),
          parked(scope.counters(
              "mimird_gateway_parked_requests_total", "Requests that had to wait so.", {"module"}
          )),
          upstream_errors(scope.counters(
              "mimird_gateway_upstream_errors_total",
              "Requests that an instance did not answer, or not to the end.",
              {"module", "reason"}
          )),
          auth_refusals(scope.counters(
              "mimird_gateway_auth_refused_total",
              "Requests that were refused for their credentials or their tenant.",
              {"status_code"}
          )),
          auth_last_reload_successful(scope.gauge(
              "mimird_gateway_auth_last_reload_successful",
              "Whether the last reading of the file of credentials succeeded."
          )),
          route_table_revision(
              scope.gauge("mimird_gateway_route_table_revision", "Revision of the route table.")
          ) {}

    Family<Counter>& requests;
    Family<Gauge>& inflight_requests;
    Family<Counter>& retries;
    Gauge& parked_requests;
    Family<Counter>& parked;
    Family<Counter>& upstream_errors;
    Family<Counter>& auth_refusals;
    Gauge& auth_last_reload_successful;
    Gauge& route_table_revision;
};

}  // namespace mimir::gateway
