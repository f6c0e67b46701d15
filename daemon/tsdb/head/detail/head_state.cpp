#include "tsdb/head/detail/head_state.hpp"

#include <algorithm>

namespace mimir::tsdb::detail {

void HeadState::cover(TimeRange times) {
    TimestampMs min = min_time.load();
    while (times.min < min && !min_time.compare_exchange_weak(min, times.min)) {
    }
    TimestampMs max = max_time.load();
    while (times.max > max && !max_time.compare_exchange_weak(max, times.max)) {
    }
}

TimestampMs HeadState::oldest_wanted() const {
    const TimestampMs newest = max_time.load();
    return newest == TimestampMs::min() ? newest : newest - options.block_range / 2;
}

Result<void> load_chunks(
    HeadState& state,
    std::span<const SeriesAddress> series,
    TimeRange range,
    chunkenc::ChunkBatch& batch
) {
    struct Found {
        std::uint32_t stored_end = 0;  // in `stored`
        chunkenc::ChunkView open;      // without data when there is none
    };
    batch.clear();
    std::vector<Found> found(series.size());
    std::vector<StoredChunk> stored;
    for (std::size_t begin = 0, end = 0; begin < series.size(); begin = end) {
        while (end < series.size() && series[end].shard == series[begin].shard) ++end;
        state.shards[series[begin].shard]->with([&](const HeadShard& shard) {
            for (std::size_t i = begin; i < end; ++i) {
                const HeadSeries& one = shard.series(series[i].slot);
                if (one.ref == series[i].ref && !one.dead) {
                    for (const StoredChunk& chunk : one.stored_chunks()) {
                        if (chunk.range().overlaps(range)) stored.push_back(chunk);
                    }
                    if (one.has_open_chunk() && one.open_range().overlaps(range)) {
                        found[i].open = shard.open_chunk(one);
                        found[i].open.data = batch.copy(found[i].open.data);
                    }
                }
                found[i].stored_end = static_cast<std::uint32_t>(stored.size());
            }
        });
    }
    std::shared_ptr<const ChunkFilesView> view;
    if (!stored.empty()) {
        MIMIR_TRY(view, state.chunk_files->view());
        batch.keep_alive(view);
    }
    std::uint32_t next = 0;
    for (const Found& one : found) {
        batch.begin_series();
        for (; next < one.stored_end; ++next) {
            const StoredChunk& chunk = stored[next];
            batch.add({chunk.range(), chunk.encoding(), view->data(chunk)});
        }
        if (!one.open.data.empty()) batch.add(one.open);
    }
    return {};
}

}  // namespace mimir::tsdb::detail
