#pragma once

#include <vector>

#include "components/distributor/distributor.hpp"
#include "http/router.hpp"
#include "http/tenancy.hpp"
#include "runtime/pool.hpp"

namespace mimir::distributor {

/// Serves POST /api/v1/push, on the pool, and GET /distributor/ha_tracker; there may be no tracker. All references
/// outlive the registrations.
std::vector<http::RouteRegistration> register_routes(
    http::Router& router,
    const http::Tenancy& tenancy,
    Distributor& distributor,
    const HaTracker* tracker,
    runtime::Pool& ingest
);

}  // namespace mimir::distributor
