#include "tsdb/head/detail/head_shard.hpp"

#include <algorithm>
#include <cstring>

#include "tsdb/head/detail/shard_postings.hpp"
#include "tsdb/index/matcher_selection.hpp"

namespace mimir::tsdb::detail {
namespace {

/// The shard was chosen by hash.low.
std::uint32_t table_hash(const model::LabelsHash& hash) {
    return static_cast<std::uint32_t>(hash.high);
}

}  // namespace

HeadShard::HeadShard(std::chrono::milliseconds block_range, ChunkFiles& chunk_files)
    : block_range_(block_range), chunk_files_(chunk_files) {}

HeadShard::~HeadShard() {
    for (std::uint32_t slot = 0; slot < series_.bound(); ++slot) {
        if (series_[slot].ref != 0) free_slot(slot);
    }
}

std::uint32_t HeadShard::find(const model::LabelsHash& hash) const {
    return table_.find(table_hash(hash), [&](std::uint32_t slot) {
        return series_[slot].hash == hash;
    });
}

std::uint32_t HeadShard::create(
    model::LabelsView labels, const model::LabelsHash& hash, WalRef ref
) {
    const std::uint32_t slot = series_.take();
    HeadSeries& series = series_[slot];
    series.hash = hash;
    series.ref = ref;
    series.open.last_time = TimestampMs::min();
    series.label_count = static_cast<std::uint32_t>(labels.count());
    series.labels = static_cast<LabelId*>(memory_.allocate(series.label_count * sizeof(LabelId)));
    labels_.add_series(slot, labels, series.labels);
    table_.insert(table_hash(hash), slot);
    return slot;
}

// Replay.

std::uint32_t HeadShard::restore_series(
    model::LabelsView labels, const model::LabelsHash& hash, WalRef ref
) {
    std::uint32_t slot = find(hash);
    if (slot == SlotTable::kNone) slot = create(labels, hash, ref);
    series_[slot].ref = ref;
    series_[slot].logged = true;
    return slot;
}

bool HeadShard::restore_chunk(std::uint32_t slot, const StoredChunk& chunk) {
    HeadSeries& series = series_[slot];
    if (chunk.min <= series.last_time()) return false;
    add_stored(series, chunk);
    series.open.last_time = chunk.max();
    series.last_is_histogram = chunk.encoding() != chunkenc::Encoding::xor_float;
    return true;
}

/// A sample older than the chunks from files: the first files are lost, and all has to come from the log.
void HeadShard::forget_chunks_after(HeadSeries& series, TimestampMs time) {
    if (series.has_open_chunk() || series.stored_count == 0 || time >= series.stored[0].min) return;
    set_stored_count(series, 0);
    series.open.last_time = TimestampMs::min();
}

bool HeadShard::restore_sample(std::uint32_t slot, TimestampMs time, double value) {
    HeadSeries& series = series_[slot];
    if (time < series.last_time()) [[unlikely]]
        forget_chunks_after(series, time);
    if (time > series.last_time()) {
        store(series, time, value);
        return true;
    }
    // The last one of a chunk file: its value is not known from there.
    if (time == series.last_time() && !series.has_open_chunk() && !series.last_is_histogram) {
        series.open.last_bits = std::bit_cast<std::uint64_t>(value);
    }
    return false;
}

bool HeadShard::restore_histogram(std::uint32_t slot, const model::HistogramSample& sample) {
    HeadSeries& series = series_[slot];
    forget_chunks_after(series, sample.time);
    if (sample.time <= series.last_time()) return false;
    store(series, sample);
    return true;
}

// Reading.

Result<Postings> HeadShard::select(const model::Matchers& matchers, TimeRange range) const {
    MIMIR_TRY(auto slots, tsdb::select(ShardPostings(*this), matchers));
    std::erase_if(slots, [&](std::uint32_t slot) {
        return series_[slot].dead || !series_[slot].overlaps(range);
    });
    return slots;
}

void HeadShard::append_labels(std::uint32_t slot, std::string& out) const {
    for (const LabelId id : series_[slot].label_ids()) out += labels_.label(id).bytes();
}

chunkenc::ChunkView HeadShard::open_chunk(const HeadSeries& series) const {
    if (series.histograms != nullptr) {
        const bool is_float = series.histograms->appender.index() == 1;
        return {
            .range = series.open_range(),
            .encoding =
                is_float ? chunkenc::Encoding::float_histogram : chunkenc::Encoding::histogram,
            .data = std::visit(
                [](const auto& appender) { return appender.data(); }, series.histograms->appender
            ),
        };
    }
    return {
        .range = series.open_range(),
        .encoding = chunkenc::Encoding::xor_float,
        .data = {series.buffer, series.open.bytes()},
    };
}

TimeRange HeadShard::times() const {
    TimeRange times{TimestampMs::max(), TimestampMs::min()};
    for (std::uint32_t slot = 0; slot < series_.bound(); ++slot) {
        const HeadSeries& series = series_[slot];
        if (!series.has_samples()) continue;
        times.min = std::min(times.min, series.min_time());
        times.max = std::max(times.max, series.last_time());
    }
    return times;
}

void HeadShard::add_stats(HeadStats& stats) const {
    stats.series += table_.size();
    stats.labels += labels_.size();
    stats.series_bytes += series_.bytes() + table_.bytes();
    stats.label_bytes += labels_.bytes();
    stats.other_bytes += memory_.bytes();
}

// Truncation.

std::size_t HeadShard::drop_before(
    TimestampMs time, std::uint32_t first_slot, std::uint32_t count
) {
    const std::size_t dead_before = dead_slots_.size();
    const std::uint32_t end = std::min(first_slot + count, series_.bound());
    for (std::uint32_t slot = first_slot; slot < end; ++slot) {
        HeadSeries& series = series_[slot];
        if (series.ref == 0 || series.dead) continue;
        drop_stored_before(series, time);
        if (series.pending) continue;
        if (series.has_open_chunk() && series.last_time() < time) drop_open_chunk(series);
        if (!series.has_samples()) bury(slot);
    }
    return dead_slots_.size() - dead_before;
}

void HeadShard::bury(std::uint32_t slot) {
    HeadSeries& series = series_[slot];
    series.dead = true;
    table_.erase(table_hash(series.hash), slot);
    dead_slots_.push_back(slot);
    is_dead_.resize(series_.bound());
    is_dead_[slot] = true;
    is_dead_label_.resize(labels_.id_bound());
    for (const LabelId id : series.label_ids()) {
        if (is_dead_label_[static_cast<std::uint32_t>(id)]) continue;
        is_dead_label_[static_cast<std::uint32_t>(id)] = true;
        dead_labels_.push_back(id);
    }
}

bool HeadShard::sweep_dead() {
    constexpr std::size_t kPostingsMax = 200'000;  // a call: well under a millisecond
    is_dead_.resize(series_.bound());              // series were created meanwhile
    std::size_t postings = 0;
    std::size_t first = dead_labels_.size();
    while (first > 0 && postings < kPostingsMax) {
        postings += labels_.series_count(dead_labels_[--first]) + 1;
    }
    labels_.remove_series(std::span(dead_labels_).subspan(first), is_dead_);
    dead_labels_.resize(first);
    if (first > 0) return false;
    for (const std::uint32_t slot : dead_slots_) free_slot(slot);
    series_.give_back(dead_slots_);
    dead_slots_ = {};
    is_dead_ = {};
    is_dead_label_ = {};
    return true;
}

/// Frees what the series' pointers lead to.
void HeadShard::free_slot(std::uint32_t slot) {
    HeadSeries& series = series_[slot];
    drop_open_chunk(series);
    set_stored_count(series, 0);
    memory_.release(series.labels, series.label_count * sizeof(LabelId));
    series.labels = nullptr;
}

void HeadShard::add_refs(std::vector<WalRef>& refs) const {
    for (std::uint32_t slot = 0; slot < series_.bound(); ++slot) {
        if (series_[slot].ref != 0 && !series_[slot].dead) refs.push_back(series_[slot].ref);
    }
}

void HeadShard::drop_open_chunk(HeadSeries& series) {
    delete series.histograms;
    series.histograms = nullptr;
    if (series.buffer != nullptr) memory_.release(series.buffer, series.buffer_bytes);
    series.buffer = nullptr;
    series.buffer_bytes = 0;
    chunkenc::XorState none;
    none.last_time = series.open.last_time;
    none.last_bits = series.open.last_bits;
    series.open = none;
}

void HeadShard::add_stored(HeadSeries& series, const StoredChunk& chunk) {
    set_stored_count(series, series.stored_count + 1);
    series.stored[series.stored_count - 1] = chunk;
}

void HeadShard::drop_stored_before(HeadSeries& series, TimestampMs time) {
    std::uint32_t dropped = 0;
    while (dropped < series.stored_count && series.stored[dropped].max() < time) ++dropped;
    if (dropped == 0) return;
    std::copy(series.stored + dropped, series.stored + series.stored_count, series.stored);
    set_stored_count(series, series.stored_count - dropped);
}

void HeadShard::set_stored_count(HeadSeries& series, std::uint32_t count) {
    const auto capacity = [](std::uint32_t chunks) {
        return chunks == 0 ? 0 : CountedMemory::capacity(chunks * sizeof(StoredChunk));
    };
    const std::size_t old_bytes = capacity(series.stored_count);
    const std::size_t bytes = capacity(count);
    if (bytes != old_bytes) {
        auto* const old = series.stored;
        series.stored = bytes == 0 ? nullptr : static_cast<StoredChunk*>(memory_.allocate(bytes));
        const std::uint32_t kept = std::min(series.stored_count, count);
        if (kept > 0) std::memcpy(series.stored, old, kept * sizeof(StoredChunk));
        if (old != nullptr) memory_.release(old, old_bytes);
    }
    series.stored_count = count;
}

}  // namespace mimir::tsdb::detail
