#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "model/matcher.hpp"
#include "tsdb/head/detail/admission.hpp"
#include "tsdb/head/detail/chunk_files.hpp"
#include "tsdb/head/detail/counted_memory.hpp"
#include "tsdb/head/detail/head_series.hpp"
#include "tsdb/head/detail/label_index.hpp"
#include "tsdb/head/detail/slot_table.hpp"
#include "tsdb/head/head.hpp"
#include "tsdb/index/postings.hpp"

namespace mimir::tsdb::detail {

/// A part of a head's series, with all that belongs to them: what finds them, their labels and postings, their chunks.
/// Threads: one at a time (each shard is in a Guarded).
class HeadShard {
  public:
    HeadShard(std::chrono::milliseconds block_range, ChunkFiles& chunk_files);
    ~HeadShard();
    HeadShard(const HeadShard&) = delete;
    HeadShard& operator=(const HeadShard&) = delete;

    // Appending, in two steps: see head.hpp.

    /// Finds or creates the series (`indices` in the request), and puts what is to be stored of them into the request's
    /// log buffer. Series with something to store are staged and pending afterwards; those that are pending for another
    /// request are deferred.
    void check(
        Admission& admission,
        std::span<const std::uint32_t> indices,
        std::vector<StagedSeries>& staged,
        std::vector<std::uint32_t>& deferred
    );
    /// Stores, once the log has it, what check() found good.
    void apply(const Admission& admission, std::span<const StagedSeries> staged);
    /// Ends pending, when the log has not got it.
    void release(std::span<const StagedSeries> staged);

    // Replay.

    /// The series with these labels, created if it is new. It is known by `ref` from then on.
    std::uint32_t restore_series(
        model::LabelsView labels, const model::LabelsHash& hash, WalRef ref
    );
    /// Takes over a chunk that is newer than all that the series has; others are left aside.
    bool restore_chunk(std::uint32_t slot, const StoredChunk& chunk);
    bool restore_sample(std::uint32_t slot, TimestampMs time, double value);
    bool restore_histogram(std::uint32_t slot, const model::HistogramSample& sample);
    /// Two steps to have in the cache what restore_sample needs.
    void prefetch_series(std::uint32_t slot) const {
        __builtin_prefetch(&series_[slot], 1);
        __builtin_prefetch(&series_[slot].buffer, 1);
    }
    void prefetch_open_chunk(std::uint32_t slot) const {
        const HeadSeries& series = series_[slot];
        __builtin_prefetch(series.buffer, 1);
        __builtin_prefetch(series.buffer + series.open.bytes(), 1);
    }

    // Reading.

    /// Slots of the series that match and have samples in the range.
    [[nodiscard]] Result<Postings> select(const model::Matchers& matchers, TimeRange range) const;
    [[nodiscard]] const HeadSeries& series(std::uint32_t slot) const { return series_[slot]; }
    void append_labels(std::uint32_t slot, std::string& out) const;
    [[nodiscard]] const LabelIndex& labels() const { return labels_; }
    /// The open chunk's bytes; valid until the next change.
    [[nodiscard]] chunkenc::ChunkView open_chunk(const HeadSeries& series) const;
    [[nodiscard]] std::uint32_t slot_bound() const { return series_.bound(); }
    [[nodiscard]] std::size_t series_count() const { return table_.size(); }
    void add_stats(HeadStats& stats) const;
    /// Of the oldest and the newest sample; min > max when there is none.
    [[nodiscard]] TimeRange times() const;

    // Truncation, in steps that hold the shard but briefly.

    /// Drops the chunks before `time` of the series in [first_slot, first_slot + count), and takes those that are left
    /// without samples out of the table. Returns how many.
    std::size_t drop_before(TimestampMs time, std::uint32_t first_slot, std::uint32_t count);
    /// Takes the dropped series out of the postings, some of them a call. True when they are gone from all, and their
    /// slots and memory free.
    bool sweep_dead();
    void add_refs(std::vector<WalRef>& refs) const;

  private:
    friend class ShardPostings;

    [[nodiscard]] std::uint32_t find(const model::LabelsHash& hash) const;
    std::uint32_t create(model::LabelsView labels, const model::LabelsHash& hash, WalRef ref);
    void check_known(
        Admission& admission,
        std::uint32_t index,
        std::uint32_t slot,
        std::vector<StagedSeries>& staged,
        std::vector<std::uint32_t>& deferred
    );
    /// The slot of a series that the request creates; kNone when it must not.
    std::uint32_t admit(Admission& admission, const model::WriteSeries& request_series);
    /// Whether there is something to store.
    bool check_content(
        Admission& admission, const model::WriteSeries& request_series, const HeadSeries& series
    );

    void store(HeadSeries& series, TimestampMs time, double value);
    void store(HeadSeries& series, const model::HistogramSample& sample);
    template <class HistogramType>
    void store_histogram(HeadSeries& series, TimestampMs time, const HistogramType& histogram);
    void set_open_range(HeadSeries& series, TimestampMs time) const;
    void grow_buffer(HeadSeries& series);
    [[nodiscard]] bool must_cut(HeadSeries& series, TimestampMs time) const;
    void close_chunk(HeadSeries& series);
    void drop_open_chunk(HeadSeries& series);
    void add_stored(HeadSeries& series, const StoredChunk& chunk);
    void drop_stored_before(HeadSeries& series, TimestampMs time);
    void set_stored_count(HeadSeries& series, std::uint32_t count);
    void forget_chunks_after(HeadSeries& series, TimestampMs time);
    void bury(std::uint32_t slot);
    void free_slot(std::uint32_t slot);

    const std::chrono::milliseconds block_range_;
    ChunkFiles& chunk_files_;
    CountedMemory memory_;
    LabelIndex labels_{memory_};
    SeriesSlab series_;
    SlotTable table_;

    // Between drop_before and the end of sweep_dead.
    std::vector<std::uint32_t> dead_slots_;
    std::vector<bool> is_dead_;         // by slot
    std::vector<LabelId> dead_labels_;  // to be swept; each once
    std::vector<bool> is_dead_label_;   // by label
};

}  // namespace mimir::tsdb::detail
