#pragma once

#include <memory>

#include "components/query_scheduler/options.hpp"
#include "config/limits.hpp"
#include "fs/file_system.hpp"
#include "modules/service.hpp"
#include "modules/slot.hpp"
#include "ring/membership.hpp"
#include "rpc/peer.hpp"
#include "rpc/query_scheduler.hpp"
#include "runtime/executors.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::query_scheduler {

/// The name of its ring.
inline constexpr std::string_view kRingName = "query-scheduler";

/// What the query-scheduler is built from; all of it outlives the module.
struct ModuleEnvironment {
    Options options;
    const config::LimitsProvider& limits;
    /// Of the ring of schedulers, which this one joins.
    ring::Place place;
    /// Where the scheduler is found by this process while it runs.
    modules::Slot<rpc::QueryScheduler>& slot;
    /// For other processes; with the process' router.
    rpc::InternalRoutes internal;
    fs::FileSystem& files;
    runtime::Executors& executors;
    telemetry::Registry& registry;
    telemetry::Logger log;
};

/// The service of the module `query-scheduler`.
std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment);

}  // namespace mimir::query_scheduler
