#include "promql/engine/series_loader.hpp"

#include <algorithm>
#include <iterator>

namespace mimir::promql::engine {

namespace {

/// Series whose chunks are loaded at once.
constexpr std::size_t kBatchSeries = 256;

TimestampMs last_time(const chunkenc::Points& points) {
    TimestampMs last = TimestampMs::min();
    if (!points.float_times.empty()) last = points.float_times.back();
    if (!points.histogram_times.empty()) last = std::max(last, points.histogram_times.back());
    return last;
}

/// Merges columns by time; of samples at one time the one in `to` stays.
template <class T>
void merge_columns(
    std::vector<TimestampMs>& to_times,
    std::vector<T>& to_values,
    const std::vector<TimestampMs>& times,
    std::vector<T>& values
) {
    if (times.empty()) return;
    const auto begin = std::ranges::lower_bound(to_times, times.front()) - to_times.begin();
    const std::vector<TimestampMs> old_times(to_times.begin() + begin, to_times.end());
    std::vector<T> old_values(
        std::make_move_iterator(to_values.begin() + begin), std::make_move_iterator(to_values.end())
    );
    to_times.resize(static_cast<std::size_t>(begin));
    to_values.resize(static_cast<std::size_t>(begin));
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < old_times.size() || j < times.size()) {
        const bool take_old =
            j == times.size() || (i < old_times.size() && old_times[i] <= times[j]);
        if (take_old && j < times.size() && old_times[i] == times[j]) ++j;
        to_times.push_back(take_old ? old_times[i] : times[j]);
        to_values.push_back(std::move(take_old ? old_values[i] : values[j]));
        ++(take_old ? i : j);
    }
}

std::size_t weight(const chunkenc::Points& points) {
    std::size_t sum = points.float_times.size();
    for (const auto& histogram : points.histograms) sum += sample_weight(histogram);
    return sum;
}

}  // namespace

Result<void> SeriesLoader::select(
    const model::Matchers& matchers,
    TimeRange range,
    const std::optional<model::LabelProjection>& labels
) {
    range_ = range;
    auto& storage = context_.storage;
    MIMIR_TRY(
        set_,
        labels ? storage.select_projected(matchers, range, *labels)
               : storage.select(matchers, range)
    );
    context_.statistics.series += set_->count();
    return {};
}

std::vector<SeriesMeta> SeriesLoader::series() const {
    std::vector<SeriesMeta> series(set_->count());
    for (std::size_t i = 0; i < series.size(); ++i) series[i].labels = set_->labels(i);
    return series;
}

Result<chunkenc::Points*> SeriesLoader::load(std::size_t index) {
    if (index >= batch_end_) {
        MIMIR_TRY(context_.check_cancellation());
        batch_begin_ = index;
        batch_end_ = std::min(index + kBatchSeries, set_->count());
        batch_.clear();
        MIMIR_TRY(set_->load(batch_begin_, batch_end_ - batch_begin_, batch_));
    }
    points_.clear();
    held_.release();
    MIMIR_TRY(decode(batch_.chunks_of(index - batch_begin_)));
    const std::size_t samples = weight(points_);
    context_.statistics.samples += samples;
    MIMIR_TRY(held_.add(samples));
    return &points_;
}

Result<void> SeriesLoader::decode(std::span<const chunkenc::ChunkView> chunks) {
    for (const auto& chunk : chunks) {
        if (!chunk.range.overlaps(range_)) continue;
        if (chunk.range.min > last_time(points_)) {
            MIMIR_TRY(chunkenc::decode(chunk, range_, points_));
        } else {
            scratch_.clear();
            MIMIR_TRY(chunkenc::decode(chunk, range_, scratch_));
            merge_scratch();
        }
    }
    return {};
}

void SeriesLoader::merge_scratch() {
    merge_columns(
        points_.float_times, points_.float_values, scratch_.float_times, scratch_.float_values
    );
    merge_columns(
        points_.histogram_times, points_.histograms, scratch_.histogram_times, scratch_.histograms
    );
}

}  // namespace mimir::promql::engine
