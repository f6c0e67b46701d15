#pragma once

#include <memory>

#include "components/distributor/options.hpp"
#include "config/limits.hpp"
#include "http/router.hpp"
#include "http/tenancy.hpp"
#include "modules/service.hpp"
#include "modules/slot.hpp"
#include "ring/ring.hpp"
#include "rpc/distributor_client.hpp"
#include "rpc/ingester_directory.hpp"
#include "runtime/executors.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::distributor {

/// What the distributor is built from; all of it outlives the module.
struct ModuleEnvironment {
    Options options;
    const http::Tenancy& tenancy;
    const config::LimitsProvider& limits;
    const ring::Ring& ingester_ring;
    rpc::IngesterDirectory& ingesters;
    /// Where the distributor is found by others while it runs.
    modules::Slot<rpc::DistributorClient>& slot;
    runtime::Executors& executors;
    http::Router& router;
    telemetry::Registry& registry;
};

/// The service of the module `distributor`.
std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment);

}  // namespace mimir::distributor
