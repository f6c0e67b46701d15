#pragma once

#include <memory>
#include <string_view>

#include "components/querier/options.hpp"
#include "config/limits.hpp"
#include "fs/file_system.hpp"
#include "modules/service.hpp"
#include "modules/slot.hpp"
#include "ring/membership.hpp"
#include "ring/ring.hpp"
#include "rpc/ingester_directory.hpp"
#include "rpc/query_runner.hpp"
#include "rpc/query_scheduler_directory.hpp"
#include "runtime/executors.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::querier {

/// The name of its ring.
inline constexpr std::string_view kRingName = "querier";

/// What the querier is built from; all of it outlives the module.
struct ModuleEnvironment {
    Options options;
    const config::LimitsProvider& limits;
    /// Whom to ask for a tenant's series, and how they are reached.
    const ring::Ring& ring;
    rpc::IngesterDirectory& ingesters;
    /// Where the querier is found by others while it runs: in this process,
    modules::Slot<rpc::TicketedQuerier>& slot;
    /// and by other processes.
    rpc::InternalRoutes internal;
    /// Of the ring of queriers, which this one joins.
    ring::Place place;
    /// To whom its slots are offered.
    rpc::QuerySchedulerDirectory& schedulers;
    fs::FileSystem& files;
    runtime::Executors& executors;
    telemetry::Registry& registry;
    telemetry::Logger log;
};

/// The service of the module `querier`.
std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment);

}  // namespace mimir::querier
