#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "fs/file_system.hpp"
#include "modules/service.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "tsdb/db.hpp"

namespace mimir::flusher {

/// What the flusher is built from; all of it outlives the module.
struct ModuleEnvironment {
    /// Of the ingester: where its tenants are, and how it keeps them.
    std::string dir;
    tsdb::TsdbOptions storage;
    fs::FileSystem& files;
    telemetry::Registry& registry;
    telemetry::Logger log;
    const Clock& clock;
};

/// The service of the module `flusher`. Its start flushes, so that a failure is that of the start and nothing tries it
/// again; then its work ends.
std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment);

}  // namespace mimir::flusher
