#pragma once

#include <functional>
#include <vector>

#include "components/ingester/ingester.hpp"
#include "components/ingester/shutdown_plan.hpp"
#include "http/router.hpp"
#include "ring/lifecycler.hpp"
#include "runtime/pool.hpp"

namespace mimir::ingester {

/// What the routes act on; all of it outlives them.
struct Controlled {
    Ingester& ingester;
    ShutdownPlan& plan;
    ring::Lifecycler& lifecycler;
    Metrics& metrics;
    /// Asks that this module be stopped, and returns at once.
    std::function<void()> stop_module;
};

/// Serves /ingester/flush, /ingester/shutdown, /ingester/prepare-shutdown, /ingester/unregister-on-shutdown
/// and /ingester/prepare-instance-ring-downscale. What blocks is done on the pool.
std::vector<http::RouteRegistration> register_routes(
    http::Router& router, const Controlled& controlled, runtime::Pool& background
);

}  // namespace mimir::ingester
