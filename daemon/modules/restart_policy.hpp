#pragma once

#include <chrono>

namespace mimir::modules {

/// How failed modules are started again.
struct RestartPolicy {
    /// From a failure to the first restart; doubles with each that fails.
    std::chrono::milliseconds backoff_min{1'000};
    std::chrono::milliseconds backoff_max{60'000};
    /// Restarts in a row before a module has failed for good. 0: none, what is down stays down.
    unsigned attempts_max = 10;
    /// A longer life ends the row.
    std::chrono::milliseconds stable_after{5 * 60'000};
};

}  // namespace mimir::modules
