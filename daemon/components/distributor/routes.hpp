#pragma once

#include <vector>

#include "components/distributor/distributor.hpp"
#include "http/router.hpp"
#include "http/tenancy.hpp"
#include "runtime/pool.hpp"

namespace mimir::distributor {

/// Serves POST /api/v1/push. Pushes are done on the pool. All references outlive the registrations.
std::vector<http::RouteRegistration> register_routes(
    http::Router& router,
    const http::Tenancy& tenancy,
    Distributor& distributor,
    runtime::Pool& ingest
);

}  // namespace mimir::distributor
