#pragma once

// What a selection yields: series, and their chunks still encoded. The common language of storage, which produces
// it, the transport between components, which carries it, and the query engine, which decodes it - once.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "model/labels.hpp"

namespace mimir::chunkenc {

/// How a chunk's data are encoded; numbered as on disk. Source: docs/formats/chunks.md.
enum class Encoding : std::uint8_t { none = 0, xor_float = 1, histogram = 2, float_histogram = 3 };

/// An encoded chunk somewhere in memory.
struct ChunkView {
    TimeRange range;  ///< Of its first and its last sample.
    Encoding encoding = Encoding::none;
    std::string_view data;  ///< From the sample count (be16) on.
};

/// Chunks of several series, with what keeps their bytes in memory. Reused between loads, so that it allocates
/// only while it grows.
class ChunkBatch {
  public:
    /// Forgets series and chunks, and lets go of the memory kept alive.
    void clear();

    /// For the producer: begins the next series; chunks are then added to it, by start time.
    void begin_series() { series_begin_.push_back(chunks_.size()); }
    void add(ChunkView chunk) { chunks_.push_back(chunk); }
    /// Keeps whatever the chunk bytes point into alive until clear().
    void keep_alive(std::shared_ptr<const void> owner) { owners_.push_back(std::move(owner)); }
    /// A copy of the bytes that lives until clear().
    std::string_view copy(std::string_view bytes);

    [[nodiscard]] std::size_t series_count() const { return series_begin_.size(); }
    /// Sorted by start time. They may overlap (replicas, out-of-order samples): readers merge by time, and of
    /// samples at one time take the one of the earlier chunk.
    [[nodiscard]] std::span<const ChunkView> chunks_of(std::size_t series) const {
        const std::size_t end =
            series + 1 < series_begin_.size() ? series_begin_[series + 1] : chunks_.size();
        return std::span(chunks_).subspan(series_begin_[series], end - series_begin_[series]);
    }

  private:
    static constexpr std::size_t kBlockBytes = 256 * 1024;

    std::vector<std::size_t> series_begin_;
    std::vector<ChunkView> chunks_;
    std::vector<std::shared_ptr<const void>> owners_;
    std::vector<std::unique_ptr<char[]>> blocks_;  // of kBlockBytes each, reused; copies fill them in turn
    std::size_t blocks_used_ = 0;
    std::size_t block_offset_ = 0;
    std::vector<std::unique_ptr<char[]>> large_;  // copies over kBlockBytes
};

/// The series that a selection matched, in no particular order, each label set once. The chunks are loaded later, and
/// only of the series that are wanted, so that a selection of a million series holds a million label sets, not their data.
/// Threads: one at a time.
class SeriesSet {
  public:
    virtual ~SeriesSet() = default;

    [[nodiscard]] virtual std::size_t count() const = 0;
    /// Valid as long as the set.
    [[nodiscard]] virtual model::LabelsView labels(std::size_t index) const = 0;
    /// Replaces the batch's content by the chunks of series [first, first + count) that overlap the selection's range.
    /// Errors: those of the storage below; corrupt for a damaged chunk.
    virtual Result<void> load(std::size_t first, std::size_t count, ChunkBatch& batch) = 0;
};

}  // namespace mimir::chunkenc
