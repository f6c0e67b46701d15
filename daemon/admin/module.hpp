#pragma once

#include <functional>
#include <memory>
#include <string>

#include "admin/control.hpp"
#include "admin/options.hpp"
#include "http/router.hpp"
#include "modules/service.hpp"
#include "runtime/bell.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::admin {

/// What the admin API is built from; all of it outlives the module.
struct ModuleEnvironment {
    Options options;
    /// This process' node.name.
    std::string process;
    Control& control;
    /// Rung when an event was added or an operation changed.
    runtime::Bell& bell;
    /// Of the public port, for the page.
    http::Router& public_router;
    telemetry::Registry& registry;
    telemetry::Logger log;
    /// Told where the socket is once it listens, and "" when it no longer does.
    std::function<void(std::string)> listening;
};

/// The service of the module `admin`: an HTTP server with an event loop and a pool of its own, so that it answers while
/// the data path is saturated. A socket that was set must be had, else the start fails. The default one, if another
/// process has it, is tried again every few seconds: the data path does not wait for it.
std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment);

}  // namespace mimir::admin
