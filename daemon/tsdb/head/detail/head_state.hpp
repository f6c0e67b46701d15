#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "base/guarded.hpp"
#include "chunkenc/series_set.hpp"
#include "tsdb/head/detail/admission.hpp"
#include "tsdb/head/detail/chunk_files.hpp"
#include "tsdb/head/detail/exemplar_ring.hpp"
#include "tsdb/head/detail/head_shard.hpp"
#include "tsdb/head/detail/time_pins.hpp"
#include "tsdb/head/head.hpp"
#include "tsdb/wal/wal.hpp"

namespace mimir::tsdb::detail {

/// All that a head is made of.
struct HeadState {
    HeadState(fs::FileSystem& file_system, fs::Path folder, HeadOptions head_options)
        : files(file_system),
          dir(std::move(folder)),
          options(std::move(head_options)),
          exemplars(options.max_exemplars) {
        appends.close_before(options.min_valid_time);
    }

    [[nodiscard]] std::size_t shard_of(const model::LabelsHash& hash) const {
        return hash.low & (shards.size() - 1);
    }
    /// Widens [min_time, max_time].
    void cover(TimeRange times);
    /// Half a block range behind the newest sample: what is older is refused, so that a block range stands still, and can
    /// be written as a block, once it is over by that much.
    [[nodiscard]] TimestampMs oldest_wanted() const;

    fs::FileSystem& files;
    const fs::Path dir;
    const HeadOptions options;

    // Set by open(), constant afterwards.
    std::unique_ptr<ChunkFiles> chunk_files;
    std::unique_ptr<Wal> wal;
    std::vector<std::unique_ptr<Guarded<HeadShard>>> shards;
    ReplayReport report;

    HeadCounters counters;
    std::atomic<TimestampMs> min_time = TimestampMs::max();
    std::atomic<TimestampMs> max_time = TimestampMs::min();
    /// Goes up when a request has been applied or released: series that others wait for are no longer pending.
    std::atomic<std::uint32_t> rounds = 0;
    Guarded<ExemplarRing> exemplars;
    TimePins readers;
    TimePins appends;
};

/// Where a series is, as long as it is there.
struct SeriesAddress {
    std::uint32_t shard = 0;
    std::uint32_t slot = 0;
    WalRef ref = 0;
};

/// Fills the batch with the chunks that overlap the range, of each of the series; of one that is gone, none.
Result<void> load_chunks(
    HeadState& state,
    std::span<const SeriesAddress> series,
    TimeRange range,
    chunkenc::ChunkBatch& batch
);

/// Opens chunk files and log, and fills an empty state from what they hold. See Head::open.
Result<void> replay(HeadState& state);

}  // namespace mimir::tsdb::detail
