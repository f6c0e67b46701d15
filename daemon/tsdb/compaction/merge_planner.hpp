#pragma once

#include <chrono>
#include <span>
#include <vector>

#include "tsdb/block/block_meta.hpp"

namespace mimir::tsdb {

/// Which blocks to merge into one next, as indices; empty when none. First blocks that overlap; then those that fill
/// a window, aligned to the epoch, of one of the ranges (ascending), once a block reaches to the window's end.
/// The blocks must be sorted by start time.
std::vector<std::size_t> plan_merge(
    std::span<const BlockMeta> blocks, std::span<const std::chrono::milliseconds> ranges
);

/// The start of the window of that range, aligned to the epoch, which holds the time.
TimestampMs window_start(TimestampMs time, std::chrono::milliseconds range);

}  // namespace mimir::tsdb
