#pragma once

#include <string>
#include <vector>

#include "admin/access.hpp"
#include "admin/control.hpp"
#include "http/router.hpp"
#include "runtime/bell.hpp"
#include "runtime/pool.hpp"

namespace mimir::admin {

class StreamPlaces;

/// What the routes work with; all of it outlives them.
struct RouteEnvironment {
    Control& control;
    /// Rung when an event was added or an operation changed.
    runtime::Bell& bell;
    /// Where handlers run that wait for the journal, the disk or the name service.
    runtime::Pool& pool;
    /// Taken by those who watch and follow.
    StreamPlaces& streams;
    telemetry::Logger log;
    std::string change_group;
};

/// Every endpoint of the API and the page, for callers whom `access` knows.
std::vector<http::RouteRegistration> register_routes(
    http::Router& router, const Access& access, const RouteEnvironment& environment
);

/// On the public port: the page, and what it shows, for all to look at.
std::vector<http::RouteRegistration> register_public_routes(
    http::Router& router, const RouteEnvironment& environment
);

/// The admin router's answers to requests that no handler gets, as problems.
http::Response word_refusal(const http::Refusal& refusal, const http::Request& request);

}  // namespace mimir::admin
