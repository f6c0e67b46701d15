#pragma once

#include "telemetry/metrics.hpp"

namespace mimir::telemetry {

/// What the kernel says of this process, under the names that every Prometheus client uses:
/// process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds, ... Read from /proc
/// at each exposition.
void declare_process_metrics(MetricScope& scope);

}  // namespace mimir::telemetry
