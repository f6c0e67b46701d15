#pragma once

#include <memory>
#include <string_view>

#include "components/query_frontend/options.hpp"
#include "config/limits.hpp"
#include "fs/file_system.hpp"
#include "http/router.hpp"
#include "http/tenancy.hpp"
#include "modules/service.hpp"
#include "ring/membership.hpp"
#include "rpc/query_dispatch.hpp"
#include "runtime/executors.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::query_frontend {

/// Of the ring of query-frontends, in which it is found by gateways.
inline constexpr std::string_view kRingName = "query-frontend";

/// What it serves, below <prometheus_http_prefix>/api/v1/.
inline constexpr std::string_view kPaths[] = {
    "query",
    "query_range",
    "query_exemplars",
    "series",
    "labels",
    "label/{name}/values",
    "metadata",
    "format_query",
    "read",
};

/// What the query-frontend is built from; all of it outlives the module.
struct ModuleEnvironment {
    Options options;
    const http::Tenancy& tenancy;
    const config::LimitsProvider& limits;
    rpc::QueryDispatch& dispatch;
    /// Of the ring of query-frontends, which this one joins.
    ring::Place place;
    fs::FileSystem& files;
    runtime::Executors& executors;
    http::Router& router;
    telemetry::Registry& registry;
    telemetry::Logger log;
};

/// The service of the module `query-frontend`.
std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment);

}  // namespace mimir::query_frontend
