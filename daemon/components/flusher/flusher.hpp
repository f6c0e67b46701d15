#pragma once

// Writes what an ingester left in its heads and write-ahead logs to blocks: for a machine on which no ingester is to run
// again.

#include <cstddef>

#include "base/cancellation.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "fs/file_system.hpp"
#include "telemetry/log.hpp"
#include "tsdb/db.hpp"

namespace mimir::flusher {

/// What a flush works with; all of it outlives the call.
struct Environment {
    fs::FileSystem& files;
    tsdb::Metrics& metrics;
    telemetry::Logger log;
    const Clock& clock = system_clock();
};

/// Opens every tenant of an ingester's folder, one after the other, and writes its head to blocks. A tenant that fails is
/// logged, and keeps no other from being flushed.
/// Errors: of listing the folder; conflict, when an ingester has it open; else that of the first tenant that failed;
///         canceled. What was flushed before stays flushed.
/// Returns the number of tenants.
Result<std::size_t> flush_all(
    const fs::Path& dir,
    const tsdb::TsdbOptions& storage,
    const Environment& environment,
    const CancellationToken& cancel
);

}  // namespace mimir::flusher
