#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "base/types.hpp"
#include "chunkenc/histogram_appender.hpp"
#include "chunkenc/series_set.hpp"
#include "chunkenc/xor_chunk.hpp"
#include "model/histogram.hpp"
#include "model/labels.hpp"
#include "tsdb/head/detail/chunk_files.hpp"
#include "tsdb/head/detail/label_index.hpp"
#include "tsdb/wal/records.hpp"

namespace mimir::tsdb::detail {

/// A chunk of histograms that is being written, and the last one, to know it when it comes again.
struct OpenHistogramChunk {
    std::variant<chunkenc::HistogramAppender, chunkenc::FloatHistogramAppender> appender;
    std::variant<model::Histogram, model::FloatHistogram> last;
};

/// One series of a shard: two cache lines, the first of which is all that the check of a sample reads. A plain record;
/// what its pointers lead to belongs to the shard.
/// Invariants: open.count > 0 when, and only when, there is an open chunk of floats; then `buffer` holds it.
/// `histograms` is not null when, and only when, there is an open chunk of histograms. Never both.
struct alignas(64) HeadSeries {
    model::LabelsHash hash;
    WalRef ref = 0;  // 0: the slot is free
    chunkenc::XorState
        open;  // its last time and value are those of the series, whatever chunk they are in
    std::uint32_t label_count = 0;
    bool pending =
        false;  // between check and application of a request, to which the series belongs meanwhile
    bool logged = false;  // its series record is in the log
    bool dead = false;    // on its way out: no longer in the table, but still in postings
    bool last_is_histogram = false;

    char* buffer = nullptr;
    OpenHistogramChunk* histograms = nullptr;
    StoredChunk* stored = nullptr;  // by time
    LabelId* labels = nullptr;
    TimestampMs open_min;  // of the open chunk's first sample
    TimestampMs cut_at;    // the open chunk takes samples before it
    std::uint32_t stored_count = 0;
    std::uint32_t buffer_bytes = 0;

    [[nodiscard]] bool has_open_chunk() const { return open.count > 0 || histograms != nullptr; }
    [[nodiscard]] bool has_samples() const { return has_open_chunk() || stored_count > 0; }
    [[nodiscard]] TimestampMs last_time() const { return open.last_time; }
    [[nodiscard]] TimeRange open_range() const { return {open_min, open.last_time}; }
    [[nodiscard]] std::span<const StoredChunk> stored_chunks() const {
        return {stored, stored_count};
    }
    [[nodiscard]] std::span<const LabelId> label_ids() const { return {labels, label_count}; }
    /// Of its oldest sample; requires one.
    [[nodiscard]] TimestampMs min_time() const {
        return stored_count > 0 ? stored[0].min : open_min;
    }
    [[nodiscard]] bool overlaps(TimeRange range) const;
};
static_assert(sizeof(HeadSeries) == 128, "see the target of bytes for a series");

inline bool HeadSeries::overlaps(TimeRange range) const {
    if (has_open_chunk() && open_range().overlaps(range)) return true;
    for (const StoredChunk& chunk : stored_chunks()) {
        if (chunk.range().overlaps(range)) return true;
    }
    return false;
}

/// Series by slot: numbers from 0, of which those of removed series are used again. Stays where it is.
/// Threads: one at a time.
class SeriesSlab {
  public:
    [[nodiscard]] HeadSeries& operator[](std::uint32_t slot) {
        return pages_[slot / kPageSeries][slot % kPageSeries];
    }
    [[nodiscard]] const HeadSeries& operator[](std::uint32_t slot) const {
        return pages_[slot / kPageSeries][slot % kPageSeries];
    }
    std::uint32_t take();
    void give_back(std::span<const std::uint32_t> slots);
    /// One more than the largest slot there ever was.
    [[nodiscard]] std::uint32_t bound() const { return bound_; }
    [[nodiscard]] std::size_t bytes() const;

  private:
    static constexpr std::uint32_t kPageSeries = 32;  // 4 KiB, so that a small tenant stays small

    std::vector<std::unique_ptr<HeadSeries[]>> pages_;
    std::vector<std::uint32_t>
        free_;  // descending: the smallest is taken first, which keeps postings nearly sorted
    std::uint32_t bound_ = 0;
};

}  // namespace mimir::tsdb::detail
