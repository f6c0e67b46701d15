#pragma once

// What tests of blocks share: samples as plain maps, written as blocks and read back.

#include <map>
#include <string>
#include <vector>

#include "fs/file_system.hpp"
#include "support/test_support.hpp"
#include "tsdb/block/block.hpp"

namespace mimir::tsdb::test_support {

using Samples = std::map<std::int64_t, double>;
using Dataset = std::map<model::Labels, Samples>;

/// A chunk of float samples that owns its bytes.
struct OwnedChunk {
    TimeRange range;
    std::string data;

    [[nodiscard]] chunkenc::ChunkView view() const {
        return {range, chunkenc::Encoding::xor_float, data};
    }
};
OwnedChunk make_chunk(const Samples& samples);

/// The samples in chunks of so many.
std::vector<OwnedChunk> make_chunks(const Samples& samples, std::size_t samples_per_chunk);

/// A name for the n-th block of a test.
Ulid ulid(unsigned n);

/// Up to `series` series, each with up to `samples` samples in [begin, end). A sample's value follows from its time and
/// its series, so that data sets that overlap agree.
Dataset random_dataset(
    Random& random, std::size_t series, std::size_t samples, std::int64_t begin, std::int64_t end
);

/// Writes the samples in [begin, end) as a block into `dir`.
Result<std::optional<BlockMeta>> write_block(
    fs::FileSystem& files,
    const fs::Path& dir,
    Ulid name,
    const Dataset& data,
    std::int64_t begin,
    std::int64_t end,
    std::uint64_t segment_bytes_max = kSegmentBytesMax
);

/// All samples of a set's chunks within the range. Of samples at one time, the earlier chunk's. Loads `batch_series`
/// series at a time.
Result<Dataset> read_dataset(
    chunkenc::SeriesSet& set, TimeRange range, std::size_t batch_series = 7
);

inline constexpr TimeRange kAllTime{TimestampMs::min(), TimestampMs::max()};

/// The data's samples that pass; series without any are left out.
Dataset filtered(const Dataset& data, const model::Matchers& matchers, TimeRange range);

/// The samples of both; of samples at one time, the first one's.
Dataset united(const Dataset& first, const Dataset& second);

}  // namespace mimir::tsdb::test_support
