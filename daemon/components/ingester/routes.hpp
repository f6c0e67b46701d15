#pragma once

#include <vector>

#include "components/ingester/ingester.hpp"
#include "http/router.hpp"
#include "runtime/pool.hpp"

namespace mimir::ingester {

/// Serves /ingester/flush. Flushes are done on the pool. All references outlive the registrations.
std::vector<http::RouteRegistration> register_routes(
    http::Router& router, Ingester& ingester, runtime::Pool& background
);

}  // namespace mimir::ingester
