#pragma once

// Functions of range vectors: from the samples of one series and a window for each step to a row of values.

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/types.hpp"
#include "promql/functions/function_table.hpp"
#include "promql/functions/values.hpp"

namespace mimir::promql {

/// The samples of one series that some window holds. Columns, each by time; stale markers are gone.
struct RangeSamples {
    std::span<const TimestampMs> times;
    std::span<const double> values;
    std::span<const TimestampMs> histogram_times;
    std::span<const model::FloatHistogram* const> histograms;
};

/// The samples of one step: [begin, end) of each column.
struct Window {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint32_t histogram_begin = 0;
    std::uint32_t histogram_end = 0;

    [[nodiscard]] bool has_floats() const { return begin != end; }
    [[nodiscard]] bool has_histograms() const { return histogram_begin != histogram_end; }
    [[nodiscard]] std::size_t float_count() const { return end - begin; }
    [[nodiscard]] std::size_t histogram_count() const { return histogram_end - histogram_begin; }
};

/// What a function has to tell about a series, beside its values.
enum class RangeNote : std::uint8_t {
    mixed_kinds,            ///< Floats and histograms in one window: no result.
    ignored_histograms,     ///< The same, for functions that look at floats only.
    mixed_schemas,          ///< Exponential and custom buckets in one window: no result.
    histogram_not_counter,  ///< rate, irate, increase of a gauge histogram.
    histogram_not_gauge,    ///< delta, idelta of a counter histogram.
    bounds_reconciled_add,  ///< Custom bounds differed while adding,
    bounds_reconciled_sub,  ///< subtracting,
    bounds_reconciled_all,  ///< aggregating.
    resets_conflict_all,    ///< Counter reset hints in conflict while aggregating.
};

/// One series and what to do with it. The row is all absent at first.
struct RangeCall {
    const RangeSamples& samples;
    std::span<const Window> windows;      ///< By step; their ends never go back.
    std::span<const std::int64_t> ends;   ///< Of the windows, in ms: they hold (end - range, end].
    std::span<const std::int64_t> times;  ///< Of the steps, in ms.
    std::int64_t range = 0;               ///< ms
    std::span<const double> parameter;    ///< By step, of functions that take one,
    std::span<const double> parameter2;   ///< or two.
    std::span<double> row;
    std::vector<std::pair<std::uint32_t, HistogramPtr>>& histograms;  ///< To be added by step.
    std::uint32_t notes = 0;                                          ///< Bits of RangeNote.

    void note(RangeNote note) { notes |= 1U << static_cast<unsigned>(note); }
    void set(std::size_t step, model::FloatHistogram histogram) {
        histograms.emplace_back(
            static_cast<std::uint32_t>(step),
            std::make_shared<const model::FloatHistogram>(std::move(histogram))
        );
    }
    [[nodiscard]] std::span<const double> floats(const Window& window) const {
        return samples.values.subspan(window.begin, window.float_count());
    }
    [[nodiscard]] std::span<const TimestampMs> float_times(const Window& window) const {
        return samples.times.subspan(window.begin, window.float_count());
    }
};

using RangeFunction = void (*)(RangeCall&);

/// The implementation; null for functions that aren't of a range vector.
RangeFunction range_function(FunctionId id);

// The implementations, by family.

void rate(RangeCall& call);
void increase(RangeCall& call);
void delta(RangeCall& call);
void irate(RangeCall& call);
void idelta(RangeCall& call);

void changes(RangeCall& call);
void resets(RangeCall& call);

void deriv(RangeCall& call);
void predict_linear(RangeCall& call);
void double_exponential_smoothing(RangeCall& call);

void avg_over_time(RangeCall& call);
void count_over_time(RangeCall& call);
void first_over_time(RangeCall& call);
void last_over_time(RangeCall& call);
void mad_over_time(RangeCall& call);
void max_over_time(RangeCall& call);
void min_over_time(RangeCall& call);
void present_over_time(RangeCall& call);
void quantile_over_time(RangeCall& call);
void stddev_over_time(RangeCall& call);
void stdvar_over_time(RangeCall& call);
void sum_over_time(RangeCall& call);
void ts_of_first_over_time(RangeCall& call);
void ts_of_last_over_time(RangeCall& call);
void ts_of_max_over_time(RangeCall& call);
void ts_of_min_over_time(RangeCall& call);

/// The quantile of values in any order, which it changes; NaN is smallest. q outside [0, 1] gives an infinity.
double quantile(double q, std::span<double> values);

}  // namespace mimir::promql
