#pragma once

#include <vector>

#include "components/gateway/gateway.hpp"
#include "http/router.hpp"

namespace mimir::gateway {

/// Puts the gateway before the router, and serves GET /internal/v1/gateway/routes: the route table as
/// JSON, for processes of ours. All references outlive the registrations.
std::vector<http::RouteRegistration> register_routes(
    http::Router& router, Gateway& gateway, std::size_t body_bytes_limit
);

}  // namespace mimir::gateway
