#include "promql/engine/selectors.hpp"

namespace mimir::promql::engine {

namespace {

/// What is looked at over all steps when each looks at (reference - back, reference].
TimeRange range_of(const Steps& steps, const Reference& reference, std::int64_t back) {
    return {{reference.of(steps.start) - back + 1}, {reference.of(steps.last())}};
}

bool is_stale(const model::FloatHistogram& histogram) { return is_stale_marker(histogram.sum); }

/// Removes stale markers from the columns.
void remove_stale(chunkenc::Points& points) {
    auto& values = points.float_values;
    bool any = false;
    for (const double value : values) any |= is_stale_marker(value);
    if (any) {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (is_stale_marker(values[i])) continue;
            values[kept] = values[i];
            points.float_times[kept++] = points.float_times[i];
        }
        values.resize(kept);
        points.float_times.resize(kept);
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < points.histograms.size(); ++i) {
        if (is_stale(points.histograms[i])) continue;
        if (kept != i) {
            points.histograms[kept] = std::move(points.histograms[i]);
            points.histogram_times[kept] = points.histogram_times[i];
        }
        ++kept;
    }
    points.histograms.resize(kept);
    points.histogram_times.resize(kept);
}

double seconds(TimestampMs time) { return static_cast<double>(time.ms) / 1000; }

}  // namespace

InstantSelector::InstantSelector(
    QueryContext& context, Steps steps, Selection selection, Yield yield
)
    : steps_(steps),
      selection_(std::move(selection)),
      yield_(yield),
      lookback_(context.lookback.count()),
      loader_(context) {}

Result<void> InstantSelector::prepare() {
    const TimeRange range = range_of(steps_, selection_.reference, lookback_);
    MIMIR_TRY(loader_.select(selection_.matchers, range, selection_.labels));
    series_ = loader_.series();
    if (yield_ == Yield::time) {
        for (auto& series : series_) series.drop_name = true;
    }
    return {};
}

Result<bool> InstantSelector::next(SeriesBlock& block) {
    block.reset(steps_.count);
    for (; next_ < series_.size() && !block.is_full(); ++next_) {
        MIMIR_TRY(auto* points, loader_.load(next_));
        if (points->float_times.empty() && points->histogram_times.empty()) continue;
        select(*points, block);
    }
    return !block.empty();
}

void InstantSelector::select(chunkenc::Points& points, SeriesBlock& block) const {
    const auto row = block.add_row_for_overwrite(static_cast<std::uint32_t>(next_));
    if (!points.histogram_times.empty()) return select_with_histograms(points, row, block);
    const auto& times = points.float_times;
    std::size_t after = 0;  // the first sample later than the step's reference
    bool any = false;
    for (std::size_t step = 0; step < steps_.count; ++step) {
        const std::int64_t reference = selection_.reference.of(steps_.at(step));
        while (after < times.size() && times[after].ms <= reference) ++after;
        const bool found = after > 0 && times[after - 1].ms > reference - lookback_;
        // A stale marker is the very bits that stand for absence.
        double value = found ? points.float_values[after - 1] : kAbsent;
        if (yield_ == Yield::time && !is_absent(value)) value = seconds(times[after - 1]);
        row[step] = value;
        any |= !is_absent(value);
    }
    if (!any) block.drop_last_row();
}

void InstantSelector::select_with_histograms(
    chunkenc::Points& points, std::span<double> row, SeriesBlock& block
) const {
    std::vector<HistogramPtr> shared(points.histograms.size());
    std::size_t f = 0;
    std::size_t h = 0;
    for (std::size_t step = 0; step < steps_.count; ++step) {
        row[step] = kAbsent;
        const std::int64_t reference = selection_.reference.of(steps_.at(step));
        while (f < points.float_times.size() && points.float_times[f].ms <= reference) ++f;
        while (h < points.histogram_times.size() && points.histogram_times[h].ms <= reference) ++h;
        const auto before = TimestampMs{reference - lookback_};
        const auto float_time = f > 0 ? points.float_times[f - 1] : TimestampMs::min();
        const auto histogram_time = h > 0 ? points.histogram_times[h - 1] : TimestampMs::min();
        if (std::max(float_time, histogram_time) <= before) continue;
        if (float_time >= histogram_time) {
            const double value = points.float_values[f - 1];
            const bool as_time = yield_ == Yield::time && !is_stale_marker(value);
            row[step] = as_time ? seconds(float_time) : value;
        } else if (yield_ == Yield::time) {
            if (!is_stale(points.histograms[h - 1])) row[step] = seconds(histogram_time);
        } else {
            auto& value = shared[h - 1];
            if (value == nullptr) {
                value =
                    std::make_shared<const model::FloatHistogram>(std::move(points.histograms[h - 1]
                    ));
            }
            if (!is_stale(*value)) block.add_histogram(step, value);
        }
    }
    block.drop_last_row_if_empty();
}

RangeSelector::RangeSelector(
    QueryContext& context, Steps steps, Selection selection, std::int64_t range
)
    : steps_(steps), selection_(std::move(selection)), loader_(context) {
    windows_ = {selection_.reference, range};
}

Result<void> RangeSelector::prepare() {
    const TimeRange range = range_of(steps_, windows_.reference, windows_.range);
    MIMIR_TRY(loader_.select(selection_.matchers, range, selection_.labels));
    series_ = loader_.series();
    return {};
}

Result<const RangeSamples*> RangeSelector::next(std::uint32_t& series) {
    while (next_ < series_.size()) {
        series = static_cast<std::uint32_t>(next_);
        MIMIR_TRY(auto* points, loader_.load(next_++));
        remove_stale(*points);
        if (points->float_times.empty() && points->histogram_times.empty()) continue;
        histograms_.clear();
        for (const auto& histogram : points->histograms) histograms_.push_back(&histogram);
        samples_ = {
            points->float_times, points->float_values, points->histogram_times, histograms_
        };
        return &samples_;
    }
    return nullptr;
}

}  // namespace mimir::promql::engine
