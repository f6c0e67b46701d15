#pragma once

#include <filesystem>
#include <memory>

#include "base/clock.hpp"
#include "kv/kv_store.hpp"
#include "kv/options.hpp"
#include "runtime/executors.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::kv {

/// What stores are made of; what is referred to outlives them.
struct Environment {
    /// Where kv.sqlite is. A folder that does not exist, or can't be written, makes calls fail until
    /// it does and can.
    std::filesystem::path state_dir;
    runtime::IoThreads& io;
    telemetry::Logger log;
    telemetry::Registry& registry;
    const Clock& clock = system_clock();
};

/// The store that the options name, with metrics. `prefix` is for those who make keys: the store
/// takes keys as they are. Reaches for nothing yet: a store that is down now is there when it is up.
/// Errors: invalid: what validate() finds, and TLS files that can't be read.
Result<std::unique_ptr<KvStore>> create(const Options& options, Environment environment);

}  // namespace mimir::kv
