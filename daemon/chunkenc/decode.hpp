#pragma once

#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "chunkenc/series_set.hpp"
#include "model/histogram.hpp"

namespace mimir::chunkenc {

/// Decoded samples of one series, each kind by time. Columns, reused between series, so that
/// decoding allocates only while they grow (the buckets of histograms excepted).
struct Points {
    std::vector<TimestampMs> float_times;
    std::vector<double> float_values;
    std::vector<TimestampMs> histogram_times;
    std::vector<model::FloatHistogram> histograms;

    /// Forgets the samples, keeps the memory.
    void clear();
};

/// Appends the chunk's samples within the range (both ends included). The bytes are not trusted.
///
/// Histograms that continue the one before them in their chunk are marked not_reset, those of gauge
/// chunks gauge, and the first of any other chunk unknown: what its header says of the chunk before
/// may no longer hold once chunks were merged or deleted. A stale histogram is nothing but its sum,
/// the stale NaN.
///
/// Errors: corrupt; out then has nothing of this chunk.
/// Cost:   see tests/bench/chunkenc_bench.cpp.
/// Source: docs/formats/chunks.md.
Result<void> decode(const ChunkView& chunk, TimeRange range, Points& out);

}  // namespace mimir::chunkenc
