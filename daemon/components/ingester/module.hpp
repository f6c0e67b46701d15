#pragma once

#include <memory>

#include "components/ingester/options.hpp"
#include "config/limits.hpp"
#include "fs/file_system.hpp"
#include "http/router.hpp"
#include "modules/service.hpp"
#include "modules/slot.hpp"
#include "rpc/ingester_client.hpp"
#include "runtime/executors.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::ingester {

/// What the ingester is built from; all of it outlives the module.
struct ModuleEnvironment {
    Options options;
    const config::LimitsProvider& limits;
    /// Where the ingester is found by others while it runs.
    modules::Slot<rpc::IngesterClient>& slot;
    fs::FileSystem& files;
    runtime::Executors& executors;
    http::Router& router;
    telemetry::Registry& registry;
    telemetry::Logger log;
};

/// The service of the module `ingester`.
std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment);

}  // namespace mimir::ingester
