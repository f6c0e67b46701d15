#include "promql/engine/range_functions.hpp"

#include <algorithm>
#include <array>

namespace mimir::promql::engine {

namespace {

constexpr bool keeps_name(FunctionId id) {
    return id == FunctionId::last_over_time || id == FunctionId::first_over_time;
}

constexpr bool wants_counters(FunctionId id) {
    return id == FunctionId::rate || id == FunctionId::increase;
}

bool is_named_as_counter(std::string_view metric) {
    constexpr std::array<std::string_view, 4> kSuffixes = {"_total", "_sum", "_count", "_bucket"};
    return std::ranges::any_of(kSuffixes, [&](auto suffix) { return metric.ends_with(suffix); });
}

struct NoteText {
    RangeNote note;
    bool is_warning;
    std::string_view text;
    std::string_view before_name;  // empty: the text doesn't name the metric
};

constexpr std::string_view kForMetric = " for metric name ";
constexpr std::array kNoteTexts = {
    NoteText{
        RangeNote::mixed_kinds, true, "encountered a mix of histograms and floats", kForMetric
    },
    NoteText{
        RangeNote::ignored_histograms,
        false,
        "ignored histograms in a range containing both floats and histograms",
        kForMetric
    },
    NoteText{
        RangeNote::mixed_schemas,
        true,
        "vector contains a mix of histograms with exponential and custom buckets schemas",
        kForMetric
    },
    NoteText{
        RangeNote::histogram_not_counter,
        true,
        "this native histogram metric is not a counter:",
        " "
    },
    NoteText{
        RangeNote::histogram_not_gauge, true, "this native histogram metric is not a gauge:", " "
    },
    NoteText{
        RangeNote::bounds_reconciled_add,
        false,
        "mismatched custom buckets were reconciled during addition",
        ""
    },
    NoteText{
        RangeNote::bounds_reconciled_sub,
        false,
        "mismatched custom buckets were reconciled during subtraction",
        ""
    },
    NoteText{
        RangeNote::bounds_reconciled_all,
        false,
        "mismatched custom buckets were reconciled during aggregation",
        ""
    },
    NoteText{
        RangeNote::resets_conflict_all,
        true,
        "conflicting counter resets during histogram aggregation",
        ""
    },
};

/// An edge of the windows on a column of times, moved from step to step.
class WindowEdge {
  public:
    /// Moves behind the last sample that isn't later than the bound, which never goes back. Samples are mostly evenly
    /// spaced: so it first goes as far as the time before.
    std::uint32_t move(std::span<const TimestampMs> times, std::int64_t bound) {
        const auto size = static_cast<std::uint32_t>(times.size());
        const std::uint32_t before = at_;
        at_ = std::min(at_ + stride_, size);
        while (at_ > before && times[at_ - 1].ms > bound) --at_;
        while (at_ < size && times[at_].ms <= bound) ++at_;
        stride_ = at_ - before;
        return at_;
    }

  private:
    std::uint32_t at_ = 0;
    std::uint32_t stride_ = 0;
};

std::string describe(const NoteText& text, std::string_view metric) {
    if (text.before_name.empty() || metric.empty()) return std::string(text.text);
    return fmt::format("{}{}\"{}\"", text.text, text.before_name, metric);
}

}  // namespace

RangeFunctionCall::RangeFunctionCall(
    QueryContext& context, Steps steps, RangeOperatorPtr range, Call call
)
    : context_(context),
      steps_(steps),
      range_(std::move(range)),
      call_(std::move(call)),
      function_(range_function(call_.id)) {}

Result<void> RangeFunctionCall::prepare() {
    MIMIR_TRY(range_->prepare());
    series_ = range_->series();
    if (!keeps_name(call_.id)) {
        for (auto& series : series_) series.drop_name = true;
    }
    for (const auto& parameter : call_.parameters) {
        MIMIR_TRY(auto values, parameter->evaluate());
        parameters_.push_back(std::move(values));
    }
    for (std::size_t step = 0; step < steps_.count; ++step) {
        times_.push_back(steps_.at(step));
        ends_.push_back(range_->windows().reference.of(steps_.at(step)));
    }
    windows_.resize(steps_.count);
    if (call_.id == FunctionId::double_exponential_smoothing && !series_.empty()) {
        MIMIR_TRY(check_smoothing_factors());
    }
    if (call_.id == FunctionId::quantile_over_time) annotate_quantiles();
    return {};
}

Result<void> RangeFunctionCall::check_smoothing_factors() const {
    constexpr std::array<std::string_view, 2> kNames = {"smoothing", "trend"};
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        for (const double factor : parameters_[i]) {
            if (factor > 0 && factor < 1) continue;
            return fail(
                ErrorKind::invalid,
                "invalid {} factor. Expected: 0 < {} < 1, got: {:f}",
                kNames[i],
                i == 0 ? "sf" : "tf",
                factor
            );
        }
    }
    return {};
}

Result<bool> RangeFunctionCall::next(SeriesBlock& block) {
    block.reset(steps_.count);
    while (!block.is_full()) {
        std::uint32_t series = 0;
        MIMIR_TRY(const auto* samples, range_->next(series));
        if (samples == nullptr) break;
        slide_windows(*samples);
        MIMIR_TRY(evaluate(*samples, series, block));
    }
    return !block.empty();
}

/// Moves [begin, end) over the columns, for all steps: linear in samples and steps.
void RangeFunctionCall::slide_windows(const RangeSamples& samples) {
    const std::int64_t range = range_->windows().range;
    WindowEdge begin;
    WindowEdge end;
    for (std::size_t step = 0; step < ends_.size(); ++step) {
        windows_[step] = {
            begin.move(samples.times, ends_[step] - range),
            end.move(samples.times, ends_[step]),
            0,
            0
        };
    }
    if (samples.histograms.empty()) return;
    begin = end = {};
    for (std::size_t step = 0; step < ends_.size(); ++step) {
        windows_[step].histogram_begin = begin.move(samples.histogram_times, ends_[step] - range);
        windows_[step].histogram_end = end.move(samples.histogram_times, ends_[step]);
    }
}

Result<void> RangeFunctionCall::evaluate(
    const RangeSamples& samples, std::uint32_t series, SeriesBlock& block
) {
    const auto row = block.add_row(series);
    std::uint32_t notes = 0;
    for (std::size_t first = 0; first < steps_.count;) {
        MIMIR_TRY(context_.check_cancellation());
        const std::size_t count = steps_at_once(first);
        const auto parameter = [&](std::size_t index) {
            return index < parameters_.size()
                       ? std::span<const double>(parameters_[index]).subspan(first, count)
                       : std::span<const double>();
        };
        histograms_.clear();
        RangeCall call{
            .samples = samples,
            .windows = std::span(windows_).subspan(first, count),
            .ends = std::span(ends_).subspan(first, count),
            .times = std::span(times_).subspan(first, count),
            .range = range_->windows().range,
            .parameter = parameter(0),
            .parameter2 = parameter(1),
            .row = row.subspan(first, count),
            .histograms = histograms_,
        };
        function_(call);
        for (auto& [step, histogram] : histograms_) {
            block.add_histogram(first + step, std::move(histogram));
        }
        notes |= call.notes;
        first += count;
    }
    annotate(notes, series_[series].labels.metric_name(), row);
    block.drop_last_row_if_empty();
    return {};
}

/// How many steps from the first on make a piece of work between two questions whether to go on.
std::size_t RangeFunctionCall::steps_at_once(std::size_t first) const {
    constexpr std::size_t kSamples = 1 << 22;
    std::size_t samples = 0;
    std::size_t count = 0;
    while (first + count < windows_.size() && samples < kSamples) {
        const Window& window = windows_[first + count++];
        samples += window.float_count() + window.histogram_count();
    }
    return count;
}

void RangeFunctionCall::annotate(
    std::uint32_t notes, std::string_view metric, std::span<const double> row
) {
    if (notes != 0) tell(notes, metric);
    if (!wants_counters(call_.id) || metric.empty() || metric == last_not_counter_) return;
    if (is_named_as_counter(metric) || std::ranges::all_of(row, is_absent)) return;
    last_not_counter_ = metric;
    context_.annotator.inform(
        fmt::format(
            "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "
            "\"{}\"",
            metric
        ),
        call_.range_span
    );
}

void RangeFunctionCall::tell(std::uint32_t notes, std::string_view metric) {
    for (const auto& text : kNoteTexts) {
        if ((notes & (1U << static_cast<unsigned>(text.note))) == 0) continue;
        if (text.is_warning) {
            context_.annotator.warn(describe(text, metric), call_.range_span);
        } else {
            context_.annotator.inform(describe(text, metric), call_.range_span);
        }
    }
}

void RangeFunctionCall::annotate_quantiles() {
    for (const double q : parameters_[0]) {
        context_.annotator.check_quantile(q, call_.parameter_span);
    }
}

}  // namespace mimir::promql::engine
