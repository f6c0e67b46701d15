#pragma once

#include <cstdint>

#include "telemetry/metrics.hpp"

namespace mimir::telemetry {

/// What this process uses now.
struct ProcessUsage {
    std::uint64_t resident_bytes = 0;
    std::uint64_t open_fds = 0;
    std::uint64_t threads = 0;
};
ProcessUsage process_usage();

/// What the kernel says of this process, under the names that every Prometheus client uses:
/// process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds, ... Read from /proc
/// at each exposition.
void declare_process_metrics(MetricScope& scope);

}  // namespace mimir::telemetry
