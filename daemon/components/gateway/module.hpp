#pragma once

#include <memory>
#include <string>
#include <vector>

#include "components/gateway/gateway.hpp"
#include "components/gateway/options.hpp"
#include "components/gateway/route_table.hpp"
#include "fs/file_system.hpp"
#include "http/router.hpp"
#include "http/tls.hpp"
#include "modules/service.hpp"
#include "modules/slot.hpp"
#include "runtime/executors.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::gateway {

/// What the gateway is built from; all of it outlives the module.
struct ModuleEnvironment {
    Options options;
    /// Of this process.
    std::string instance;
    /// Modules whose paths may be served elsewhere. All others stay this process' own business.
    std::vector<std::string> modules;
    /// Where they run.
    Discover discover;
    /// For TCP addresses of other processes; null: they speak plain HTTP.
    std::shared_ptr<const http::TlsClientContext> tls;
    /// Where the route table is found, to be pinned, while the gateway runs.
    modules::Slot<RouteTable>& slot;
    const fs::FileSystem& files;
    runtime::Executors& executors;
    http::Router& router;
    telemetry::Registry& registry;
    telemetry::Logger log;
};

/// The service of the module `gateway`.
std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment);

}  // namespace mimir::gateway
