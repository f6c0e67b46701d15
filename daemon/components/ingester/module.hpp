#pragma once

#include <functional>
#include <memory>

#include "components/ingester/options.hpp"
#include "config/limits.hpp"
#include "fs/file_system.hpp"
#include "http/router.hpp"
#include "modules/service.hpp"
#include "modules/slot.hpp"
#include "ring/membership.hpp"
#include "ring/ring.hpp"
#include "rpc/ingester_client.hpp"
#include "rpc/peer.hpp"
#include "runtime/executors.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::ingester {

/// What the ingester is built from; all of it outlives the module.
struct ModuleEnvironment {
    Options options;
    const config::LimitsProvider& limits;
    /// Of the ingesters, which this one joins, at the place below.
    const ring::Ring& ring;
    ring::Place place;
    /// Where the ingester is found by others while it runs: in this process,
    modules::Slot<rpc::IngesterClient>& slot;
    /// and by other processes.
    rpc::InternalRoutes internal;
    /// Asks that this module be stopped, and returns at once: for /ingester/shutdown.
    std::function<void()> stop_module;
    /// Told how far a long start is, for people; of nothing when it is over.
    std::function<void(std::string)> progress;
    fs::FileSystem& files;
    runtime::Executors& executors;
    http::Router& router;
    telemetry::Registry& registry;
    telemetry::Logger log;
};

/// The service of the module `ingester`.
std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment);

}  // namespace mimir::ingester
