#pragma once

#include <memory>

#include "components/querier/options.hpp"
#include "config/limits.hpp"
#include "modules/service.hpp"
#include "modules/slot.hpp"
#include "ring/ring.hpp"
#include "rpc/ingester_directory.hpp"
#include "rpc/query_runner.hpp"
#include "runtime/executors.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::querier {

/// What the querier is built from; all of it outlives the module.
struct ModuleEnvironment {
    Options options;
    const config::LimitsProvider& limits;
    /// Whom to ask for a tenant's series, and how they are reached.
    const ring::Ring& ring;
    rpc::IngesterDirectory& ingesters;
    /// Where the querier is found by others while it runs.
    modules::Slot<rpc::QueryRunner>& slot;
    runtime::Executors& executors;
    telemetry::Registry& registry;
};

/// The service of the module `querier`.
std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment);

}  // namespace mimir::querier
