#pragma once

#include <memory>
#include <vector>

#include "chunkenc/series_set.hpp"
#include "tsdb/block/block_series_set.hpp"

namespace mimir::tsdb {

/// One set of what was selected from a head and from blocks: series with equal labels become one, their chunks sorted
/// by start time. A single set that is not empty is returned as it is.
/// Cost: a hash of each label set. Chunks are neither decoded nor copied.
std::unique_ptr<chunkenc::SeriesSet> merge_series_sets(
    std::unique_ptr<chunkenc::SeriesSet> head, std::vector<std::unique_ptr<BlockSeriesSet>> blocks
);

}  // namespace mimir::tsdb
