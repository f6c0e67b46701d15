#pragma once

#include <span>
#include <vector>

#include "chunkenc/series_set.hpp"

namespace mimir::tsdb {

/// Which samples survive a rewrite.
struct SampleFilter {
    TimeRange keep = {TimestampMs::min(), TimestampMs::max()};
    std::span<const TimeRange> drop;
};

/// Encodes the samples of a series' chunks anew: those that pass the filter, by time, each time
/// once. Of samples at one time the earlier chunk's is taken. Histograms become float histograms.
/// The new chunks are appended to `out`; their bytes live in `memory`.
/// Errors: corrupt, when a chunk can't be decoded.
Result<void> rewrite_chunks(
    std::span<const chunkenc::ChunkView> chunks,
    const SampleFilter& filter,
    chunkenc::ChunkBatch& memory,
    std::vector<chunkenc::ChunkView>& out
);

/// Sorts by start time; of chunks that start together those that came first stay first.
void sort_chunks(std::vector<chunkenc::ChunkView>& chunks);

/// Makes the chunks of one series, sorted, fit into a block of that range: chunks that stand alone and lie within it
/// are passed on as they are, doubles are dropped, and the others are rewritten.
/// `memory` and `out`: as rewrite_chunks.
Result<void> fit_chunks(
    std::span<const chunkenc::ChunkView> chunks,
    TimeRange range,
    chunkenc::ChunkBatch& memory,
    std::vector<chunkenc::ChunkView>& out
);

/// Whether the chunks are the same, byte for byte.
bool is_double(const chunkenc::ChunkView& a, const chunkenc::ChunkView& b);

}  // namespace mimir::tsdb
