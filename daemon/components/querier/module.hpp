#pragma once

#include <memory>

#include "components/querier/options.hpp"
#include "config/limits.hpp"
#include "modules/service.hpp"
#include "modules/slot.hpp"
#include "rpc/ingester_client.hpp"
#include "rpc/query_runner.hpp"
#include "runtime/executors.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::querier {

/// What the querier is built from; all of it outlives the module.
struct ModuleEnvironment {
    Options options;
    const config::LimitsProvider& limits;
    const modules::Slot<rpc::IngesterClient>& ingester;
    /// Where the querier is found by others while it runs.
    modules::Slot<rpc::QueryRunner>& slot;
    runtime::Executors& executors;
    telemetry::Registry& registry;
};

/// The service of the module `querier`.
std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment);

}  // namespace mimir::querier
