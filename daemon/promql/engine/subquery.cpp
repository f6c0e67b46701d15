#include "promql/engine/subquery.hpp"

namespace mimir::promql::engine {

namespace {

/// The lowest multiple of the interval above the time.
std::int64_t multiple_above(std::int64_t time, std::int64_t interval) {
    std::int64_t remainder = time % interval;
    if (remainder < 0) remainder += interval;
    return time - remainder + interval;
}

}  // namespace

Steps SubqueryRange::inner_steps(
    const Steps& outer, const RangeWindows& windows, std::int64_t interval
) {
    const std::int64_t begin = windows.reference.of(outer.start) - windows.range;
    const std::int64_t end = windows.reference.of(outer.last());
    const std::int64_t first = multiple_above(begin, interval);
    if (first > end) return {first, interval, 0};
    return {first, interval, static_cast<std::size_t>((end - first) / interval) + 1};
}

SubqueryRange::SubqueryRange(
    QueryContext& context, Steps inner, VectorOperatorPtr input, RangeWindows windows
)
    : context_(context), inner_(inner), input_(std::move(input)) {
    windows_ = windows;
}

Result<void> SubqueryRange::prepare() {
    if (inner_.count == 0) return {};
    MIMIR_TRY(input_->prepare());
    series_ = input_->series();
    return {};
}

/// What a sample's hint says is about the sample before it in storage, which the subquery may not have seen, or about the
/// same one when that is seen twice: so counters are told to be compared.
const model::FloatHistogram* SubqueryRange::without_hint(const HistogramPtr& histogram) {
    const auto hint = histogram->reset_hint;
    if (hint == model::CounterResetHint::unknown || hint == model::CounterResetHint::gauge) {
        return histogram.get();
    }
    copies_.push_back(*histogram);
    copies_.back().reset_hint = model::CounterResetHint::unknown;
    return &copies_.back();
}

Result<const RangeSamples*> SubqueryRange::next(std::uint32_t& series) {
    if (inner_.count == 0) return nullptr;
    while (true) {
        if (row_ == block_.row_count()) {
            MIMIR_TRY(context_.check_cancellation());
            row_ = 0;
            MIMIR_TRY(const bool more, input_->next(block_));
            if (!more) {
                block_.reset(1);  // the input may have left the last rows in it
                return nullptr;
            }
            continue;
        }
        series = block_.series_of(row_);
        times_.clear();
        values_.clear();
        histogram_times_.clear();
        histograms_.clear();
        copies_.clear();
        const auto row = block_.row(row_);
        for (std::size_t step = 0; step < row.size(); ++step) {
            if (is_absent(row[step])) continue;
            times_.push_back({inner_.at(step)});
            values_.push_back(row[step]);
        }
        for (const auto& cell : block_.histograms_of(row_)) {
            histogram_times_.push_back({inner_.at(cell.step)});
            histograms_.push_back(without_hint(cell.value));
        }
        ++row_;
        if (times_.empty() && histograms_.empty()) continue;
        samples_ = {times_, values_, histogram_times_, histograms_};
        return &samples_;
    }
}

}  // namespace mimir::promql::engine
