#pragma once

#include <vector>

#include "components/query_frontend/query_frontend.hpp"
#include "http/router.hpp"
#include "http/tenancy.hpp"

namespace mimir::query_frontend {

/// Serves Prometheus' HTTP API for queries. All references outlive the registrations.
std::vector<http::RouteRegistration> register_routes(
    http::Router& router, const http::Tenancy& tenancy, QueryFrontend& frontend
);

}  // namespace mimir::query_frontend
