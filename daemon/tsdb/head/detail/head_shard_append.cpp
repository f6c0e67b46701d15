// HeadShard's way of a sample: check, log buffer, chunk.

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "tsdb/head/detail/head_shard.hpp"

namespace mimir::tsdb::detail {
namespace {

// When a chunk is full, as in Prometheus: see docs/formats/head.md.
constexpr std::uint32_t kSamplesPerChunk = 120;
constexpr std::size_t kChunkBytesMax =
    1024 - 19;  // 19: the largest sample of a chunk that has one already

// Series that are looked up together, so that their cache misses overlap.
constexpr std::size_t kWave = 32;

/// The newest sample of a series, while a request is walked.
struct Newest {
    TimestampMs time;
    std::uint64_t bits = 0;
    bool is_histogram = false;
    /// When known.
    const std::variant<model::Histogram, model::FloatHistogram>* histogram = nullptr;

    static Newest of(const HeadSeries& series) {
        return {
            .time = series.last_time(),
            .bits = series.open.last_bits,
            .is_histogram = series.last_is_histogram,
            .histogram = series.histograms != nullptr ? &series.histograms->last : nullptr,
        };
    }

    Verdict judge(TimestampMs floor, const model::Sample& sample) {
        const auto sample_bits = std::bit_cast<std::uint64_t>(sample.value);
        const Verdict verdict =
            judge_time(floor, sample.time, !is_histogram && bits == sample_bits);
        if (verdict == Verdict::store) *this = {.time = sample.time, .bits = sample_bits};
        return verdict;
    }
    Verdict judge(TimestampMs floor, const model::HistogramSample& sample) {
        const bool same = is_histogram && histogram != nullptr && sample.time == time &&
                          *histogram == sample.histogram;
        const Verdict verdict = judge_time(floor, sample.time, same);
        if (verdict == Verdict::store) {
            *this = {.time = sample.time, .is_histogram = true, .histogram = &sample.histogram};
        }
        return verdict;
    }

  private:
    [[nodiscard]] Verdict judge_time(TimestampMs floor, TimestampMs at, bool same_value) const {
        if (at < floor) return Verdict::too_old;
        if (at > time) [[likely]]
            return Verdict::store;
        if (at < time) return Verdict::out_of_order;
        return same_value ? Verdict::same_again : Verdict::duplicate_timestamp;
    }
};

Refusal refusal_for(Verdict verdict) {
    switch (verdict) {
        case Verdict::out_of_order: return Refusal::out_of_order;
        case Verdict::duplicate_timestamp: return Refusal::duplicate_timestamp;
        default: return Refusal::too_old;
    }
}

bool is_refused(Verdict verdict) {
    return verdict != Verdict::store && verdict != Verdict::same_again;
}

/// The end of the block range that the time is in.
TimestampMs range_end(TimestampMs time, std::chrono::milliseconds range) {
    const std::int64_t into = ((time.ms % range.count()) + range.count()) % range.count();
    return time - std::chrono::milliseconds(into) + range;
}

/// Where to end a chunk, seen after a quarter of its samples, so that those up to `limit` are of even size.
TimestampMs predicted_end(TimestampMs first, TimestampMs last, TimestampMs limit) {
    const std::int64_t full = 4 * ((last - first).count() + 1);
    const std::int64_t chunks = (limit - first).count() / full;
    if (chunks <= 1) return limit;
    return first + (limit - first) / chunks;
}

}  // namespace

void HeadShard::check(
    Admission& admission,
    std::span<const std::uint32_t> indices,
    std::vector<StagedSeries>& staged,
    std::vector<std::uint32_t>& deferred
) {
    const std::vector<model::WriteSeries>& all = admission.request.series;
    const auto hash_of = [&](std::uint32_t index) {
        return static_cast<std::uint32_t>(all[index].hash.high);
    };
    std::array<std::uint32_t, kWave> slots;
    while (!indices.empty()) {
        const auto wave = indices.first(std::min(kWave, indices.size()));
        indices = indices.subspan(wave.size());
        for (const std::uint32_t index : wave) table_.prefetch(hash_of(index));
        for (std::size_t i = 0; i < wave.size(); ++i) {
            slots[i] = table_.find(hash_of(wave[i]), [](std::uint32_t) { return true; });
            if (slots[i] != SlotTable::kNone) prefetch_series(slots[i]);
        }
        for (std::size_t i = 0; i < wave.size(); ++i) {
            const model::WriteSeries& series = all[wave[i]];
            std::uint32_t slot = slots[i];
            // Not found, or another with the same 32 bits.
            if (slot == SlotTable::kNone || series_[slot].hash != series.hash) {
                slot = find(series.hash);
            }
            if (slot == SlotTable::kNone) slot = admit(admission, series);
            if (slot != SlotTable::kNone) check_known(admission, wave[i], slot, staged, deferred);
        }
    }
}

void HeadShard::check_known(
    Admission& admission,
    std::uint32_t index,
    std::uint32_t slot,
    std::vector<StagedSeries>& staged,
    std::vector<std::uint32_t>& deferred
) {
    HeadSeries& series = series_[slot];
    if (series.pending) [[unlikely]] {
        deferred.push_back(index);
        return;
    }
    const model::WriteSeries& request_series = admission.request.series[index];
    const bool has_exemplars = admission.with_exemplars && request_series.exemplar_count > 0;
    if (!check_content(admission, request_series, series) && !has_exemplars) return;
    if (!series.logged) admission.log.series.add(series.ref, request_series.labels);
    series.pending = true;
    staged.push_back({.index = index, .slot = slot, .ref = series.ref});
}

bool HeadShard::check_content(
    Admission& admission, const model::WriteSeries& request_series, const HeadSeries& series
) {
    bool something = false;
    Newest newest = Newest::of(series);
    for (const model::Sample& sample : admission.request.samples_of(request_series)) {
        const Verdict verdict = newest.judge(admission.floor, sample);
        if (verdict == Verdict::store) [[likely]] {
            admission.log.samples.add(series.ref, sample.time, sample.value);
            admission.will_store(sample.time);
            something = true;
        } else if (is_refused(verdict)) {
            admission.refusals.add(refusal_for(verdict), sample.time, request_series.labels);
            continue;
        }
        ++admission.outcome.samples;
    }
    for (const auto& sample : admission.request.histograms_of(request_series)) {
        const Verdict verdict = newest.judge(admission.floor, sample);
        if (verdict == Verdict::store) {
            admission.log.histograms_for(sample).add(series.ref, sample);
            admission.will_store(sample.time);
            something = true;
        } else if (is_refused(verdict)) {
            admission.refusals.add(refusal_for(verdict), sample.time, request_series.labels);
            continue;
        }
        ++admission.outcome.histograms;
    }
    return something;
}

std::uint32_t HeadShard::admit(Admission& admission, const model::WriteSeries& request_series) {
    const auto samples = admission.request.samples_of(request_series);
    const auto histograms = admission.request.histograms_of(request_series);
    const auto is_young = [&](const auto& sample) { return sample.time >= admission.floor; };
    if (std::ranges::none_of(samples, is_young) && std::ranges::none_of(histograms, is_young)) {
        const auto refuse = [&](const auto& sample) {
            admission.refusals.add(Refusal::too_old, sample.time, request_series.labels);
        };
        std::ranges::for_each(samples, refuse);
        std::ranges::for_each(histograms, refuse);
        if (!admission.with_exemplars) return SlotTable::kNone;
        for (const model::Exemplar& exemplar : admission.request.exemplars_of(request_series)) {
            admission.refusals.add(
                Refusal::exemplar_series_missing, exemplar.time, request_series.labels
            );
        }
        return SlotTable::kNone;
    }
    const std::size_t before = admission.counters.series.fetch_add(1, std::memory_order_relaxed);
    if (admission.max_series > 0 && before >= admission.max_series) {
        admission.counters.series.fetch_sub(1, std::memory_order_relaxed);
        admission.refusals.add_series_limit(
            admission.max_series, request_series.sample_count + request_series.histogram_count
        );
        return SlotTable::kNone;
    }
    ++admission.outcome.series_created;
    const WalRef ref = admission.counters.last_ref.fetch_add(1, std::memory_order_relaxed) + 1;
    return create(request_series.labels, request_series.hash, ref);
}

void HeadShard::apply(const Admission& admission, std::span<const StagedSeries> staged) {
    while (!staged.empty()) {
        const auto wave = staged.first(std::min(kWave, staged.size()));
        staged = staged.subspan(wave.size());
        for (const StagedSeries& one : wave) prefetch_open_chunk(one.slot);
        for (const StagedSeries& one : wave) {
            HeadSeries& series = series_[one.slot];
            const model::WriteSeries& request_series = admission.request.series[one.index];
            Newest newest = Newest::of(series);
            for (const model::Sample& sample : admission.request.samples_of(request_series)) {
                if (newest.judge(admission.floor, sample) == Verdict::store) {
                    store(series, sample.time, sample.value);
                }
            }
            for (const auto& sample : admission.request.histograms_of(request_series)) {
                if (newest.judge(admission.floor, sample) == Verdict::store) store(series, sample);
            }
            series.logged = true;
            series.pending = false;
        }
    }
}

void HeadShard::release(std::span<const StagedSeries> staged) {
    for (const StagedSeries& one : staged) series_[one.slot].pending = false;
}

void HeadShard::store(HeadSeries& series, TimestampMs time, double value) {
    if (series.histograms != nullptr) [[unlikely]]
        close_chunk(series);
    if (series.open.count > 0 && must_cut(series, time)) [[unlikely]]
        close_chunk(series);
    if (series.open.count == 0) [[unlikely]]
        set_open_range(series, time);
    if (series.buffer_bytes < series.open.bytes() + chunkenc::kXorSampleBytesMax)
        grow_buffer(series);
    chunkenc::xor_append(series.open, series.buffer, time, value);
    series.last_is_histogram = false;
}

void HeadShard::set_open_range(HeadSeries& series, TimestampMs time) const {
    series.open_min = time;
    series.cut_at = range_end(time, block_range_);
}

bool HeadShard::must_cut(HeadSeries& series, TimestampMs time) const {
    if (series.open.count == kSamplesPerChunk / 4) {
        series.cut_at = predicted_end(series.open_min, series.last_time(), series.cut_at);
    }
    return time >= series.cut_at || series.open.count >= 2 * kSamplesPerChunk ||
           series.open.bytes() > kChunkBytesMax;
}

void HeadShard::grow_buffer(HeadSeries& series) {
    const std::size_t used = series.open.bytes();
    const std::size_t bytes = CountedMemory::capacity(used + chunkenc::kXorSampleBytesMax);
    auto* const buffer = static_cast<char*>(memory_.allocate(bytes));
    if (series.buffer != nullptr) {
        std::memcpy(buffer, series.buffer, used);
        memory_.release(series.buffer, series.buffer_bytes);
    }
    series.buffer = buffer;
    series.buffer_bytes = static_cast<std::uint32_t>(bytes);
}

void HeadShard::close_chunk(HeadSeries& series) {
    add_stored(series, chunk_files_.append(series.ref, open_chunk(series)));
    drop_open_chunk(series);
}

void HeadShard::store(HeadSeries& series, const model::HistogramSample& sample) {
    std::visit(
        [&](const auto& histogram) { store_histogram(series, sample.time, histogram); },
        sample.histogram
    );
    series.open.last_time = sample.time;
    series.open.last_bits = 0;
    series.last_is_histogram = true;
}

template <class HistogramType>
void HeadShard::store_histogram(
    HeadSeries& series, TimestampMs time, const HistogramType& histogram
) {
    using Appender = chunkenc::BasicHistogramAppender<HistogramType>;
    if (series.open.count > 0) close_chunk(series);
    auto fit = chunkenc::HistogramFit::other_layout;
    if (series.histograms != nullptr) {
        if (auto* appender = std::get_if<Appender>(&series.histograms->appender)) {
            const bool over = time >= series.cut_at;
            fit = over ? appender->fit(histogram) : appender->append(time, histogram);
            if (!over && fit == chunkenc::HistogramFit::appendable) {
                series.histograms->last = histogram;
                return;
            }
            if (fit == chunkenc::HistogramFit::appendable) fit = chunkenc::HistogramFit::chunk_full;
        }
        close_chunk(series);
    }
    Appender appender;
    appender.begin(time, histogram, fit);
    series.histograms = new OpenHistogramChunk{.appender = std::move(appender), .last = histogram};
    set_open_range(series, time);
}

}  // namespace mimir::tsdb::detail
