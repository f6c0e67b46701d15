#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "components/continuous_test/options.hpp"
#include "modules/service.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::continuous_test {

/// What the continuous test is built from; all of it outlives the module.
struct ModuleEnvironment {
    Options options;
    /// This process' own public API, for the endpoints that the options leave out.
    std::string own_write_endpoint;
    std::string own_read_endpoint;
    telemetry::Registry& registry;
    telemetry::Logger log;
    const Clock& clock;
};

/// The service of the module `continuous-test`. A smoke test is done by its start, so that a failure is that of the start
/// and nothing tries it again; then its work ends.
/// Errors: invalid, for the endpoints.
Result<std::unique_ptr<modules::Service>> create_service(const ModuleEnvironment& environment);

}  // namespace mimir::continuous_test
