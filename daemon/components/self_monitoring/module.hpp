#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "components/self_monitoring/options.hpp"
#include "modules/service.hpp"
#include "modules/slot.hpp"
#include "rpc/distributor_client.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::self_monitoring {

/// What self-monitoring is built from; all of it outlives the module.
struct ModuleEnvironment {
    Options options;
    std::string instance;  ///< The label's value: "host:8080".
    const modules::Slot<rpc::DistributorClient>& distributor;
    telemetry::Registry& registry;
    telemetry::Logger log;
    const Clock& clock;
};

/// The service of the module `self-monitoring`.
/// Errors: invalid, when the tenant's name is.
Result<std::unique_ptr<modules::Service>> create_service(const ModuleEnvironment& environment);

}  // namespace mimir::self_monitoring
