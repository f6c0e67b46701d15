#include "tsdb/head/head.hpp"

#include <algorithm>
#include <bit>

#include "base/assert.hpp"
#include "tsdb/head/detail/head_state.hpp"
#include "tsdb/wal/checkpoint.hpp"

namespace mimir::tsdb {

Result<std::unique_ptr<Head>> Head::open(fs::FileSystem& files, fs::Path dir, HeadOptions options) {
    MIMIR_ASSERT(std::has_single_bit(options.shard_count), "a shard is chosen by bits of the hash");
    MIMIR_ASSERT(
        options.block_range.count() > 0 && options.block_range < std::chrono::hours(49 * 24),
        "a chunk's duration is 32 bits of milliseconds"
    );
    auto state = std::make_unique<detail::HeadState>(files, std::move(dir), std::move(options));
    MIMIR_TRY(detail::replay(*state));
    return std::unique_ptr<Head>(new Head(std::move(state)));
}

Head::Head(std::unique_ptr<detail::HeadState> state) : state_(std::move(state)) {}

Head::~Head() {
    // What does not get to disk is in the log.
    static_cast<void>(state_->chunk_files->flush(detail::ChunkFiles::Flush::everything));
}

void Head::refuse_before(TimestampMs time) { state_->appends.close_before(time); }

namespace {

/// The last segment that a checkpoint should cover: two thirds of those there are, which hold mostly what is old.
/// Nothing when it would not be worth it.
std::optional<std::uint32_t> checkpoint_end(SegmentRange segments) {
    if (segments.last - segments.first < 2) return std::nullopt;
    return segments.first + (segments.last - 1 - segments.first) * 2 / 3;
}

void drop_from_shards(detail::HeadState& state, TimestampMs time) {
    constexpr std::uint32_t kSlotsAStep = 8192;
    TimestampMs before = state.min_time.load();
    TimestampMs min_time = TimestampMs::max();
    for (auto& shard : state.shards) {
        const std::uint32_t bound = shard->with([](auto& s) { return s.slot_bound(); });
        for (std::uint32_t slot = 0; slot < bound; slot += kSlotsAStep) {
            const std::size_t dropped =
                shard->with([&](auto& s) { return s.drop_before(time, slot, kSlotsAStep); });
            state.counters.series.fetch_sub(dropped);
        }
        while (!shard->with([](auto& s) { return s.sweep_dead(); })) {
        }
        min_time = std::min(min_time, shard->with([](auto& s) { return s.times().min; }));
    }
    // Unless an append lowered it meanwhile.
    state.min_time.compare_exchange_strong(before, std::max(before, min_time));
}

Result<void> truncate_log(detail::HeadState& state, TimestampMs time) {
    MIMIR_TRY(state.wal->start_segment());
    const auto end = checkpoint_end(state.wal->segments());
    if (!end) return {};
    // Every series whose record is in these segments was in a shard before it was logged.
    std::vector<WalRef> alive;
    for (auto& shard : state.shards) shard->with([&](auto& s) { s.add_refs(alive); });
    std::ranges::sort(alive);
    MIMIR_TRY(write_checkpoint(
        state.files,
        state.wal->dir(),
        {.through = *end,
         .min_time = time,
         .keep_series = [&](WalRef ref) { return std::ranges::binary_search(alive, ref); }}
    ));
    return state.wal->remove_segments_through(*end);
}

}  // namespace

Result<void> Head::truncate(TimestampMs time) {
    refuse_before(time);
    if (!state_->readers.close_before(time, state_->options.reader_wait_max)) {
        return fail(
            ErrorKind::unavailable,
            "truncating the head: queries still read what is before {} ms",
            time.ms
        );
    }
    drop_from_shards(*state_, time);
    Result<void> chunks = state_->chunk_files->flush(detail::ChunkFiles::Flush::everything);
    if (chunks) chunks = state_->chunk_files->remove_before(time);
    Result<void> log = truncate_log(*state_, time);
    return chunks ? log : chunks;
}

Result<void> Head::sync() { return state_->wal->sync(); }

TimestampMs Head::min_time() const { return state_->min_time.load(); }
TimestampMs Head::max_time() const { return state_->max_time.load(); }
TimestampMs Head::min_valid_time() const {
    return std::max(state_->oldest_wanted(), state_->appends.closed_before());
}
std::size_t Head::series_count() const { return state_->counters.series.load(); }
const ReplayReport& Head::replay_report() const { return state_->report; }

HeadStats Head::stats() const {
    HeadStats stats;
    for (auto& shard : state_->shards) shard->with([&](const auto& s) { s.add_stats(stats); });
    stats.chunk_write_bytes = state_->chunk_files->memory_bytes();
    stats.chunk_file_bytes = state_->chunk_files->file_bytes();
    stats.chunk_write_failures = state_->chunk_files->write_failures();
    stats.exemplars = state_->exemplars.with([](const auto& ring) { return ring.size(); });
    return stats;
}

std::vector<SeriesExemplars> Head::exemplars(
    std::span<const model::Matchers> selectors, TimeRange range
) const {
    return state_->exemplars.with([&](const auto& ring) { return ring.select(selectors, range); });
}

}  // namespace mimir::tsdb
