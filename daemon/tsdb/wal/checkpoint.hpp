#pragma once

#include <cstdint>
#include <functional>

#include "base/result.hpp"
#include "base/types.hpp"
#include "fs/file_system.hpp"
#include "tsdb/wal/records.hpp"

namespace mimir::tsdb {

struct CheckpointOptions {
    std::uint32_t through = 0;  ///< The last segment to cover.
    TimestampMs min_time;       ///< Older samples are dropped.
    std::function<bool(WalRef)> keep_series;
};

/// Writes what is still needed of the log's folder up to a segment as checkpoint.NNNNNNNN, then removes older
/// checkpoints. What is damaged is left out. The segments themselves are the caller's to remove.
/// Durable when it returns; a crash in between leaves the old checkpoint, or both.
Result<void> write_checkpoint(
    fs::FileSystem& files, const fs::Path& wal_dir, const CheckpointOptions& options
);

}  // namespace mimir::tsdb
