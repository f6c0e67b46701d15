#include <cmath>
#include <optional>

#include "model/histogram_arithmetic.hpp"
#include "promql/functions/range_function.hpp"

namespace mimir::promql {

namespace {

using model::FloatHistogram;
using Histograms = std::span<const FloatHistogram* const>;

/// Notes what came up while the histograms of a window are combined.
class CombinationNotes {
  public:
    explicit CombinationNotes(RangeCall& call) : call_(call) {}

    void see(const FloatHistogram& histogram) {
        reset_ |= histogram.reset_hint == model::CounterResetHint::reset;
        not_reset_ |= histogram.reset_hint == model::CounterResetHint::not_reset;
        if (reset_ && not_reset_) call_.note(RangeNote::resets_conflict_all);
    }
    /// False when the two didn't go together.
    bool see(const model::Combination& outcome) {
        if (outcome.bounds_reconciled) call_.note(RangeNote::bounds_reconciled_all);
        if (!outcome.compatible) call_.note(RangeNote::mixed_schemas);
        return outcome.compatible;
    }

  private:
    RangeCall& call_;
    bool reset_ = false;
    bool not_reset_ = false;
};

enum class Kind { sum, mean };

std::optional<FloatHistogram> combine(RangeCall& call, Histograms samples, Kind kind) {
    CombinationNotes notes(call);
    notes.see(*samples.front());
    model::HistogramSum sum(*samples.front());
    for (const auto* sample : samples.subspan(1)) {
        notes.see(*sample);
        if (!notes.see(sum.add(*sample))) return std::nullopt;
    }
    if (kind == Kind::mean) sum.divide(static_cast<double>(samples.size()));
    return sum.result();
}

/// The mean, by way of the sum unless that overflows.
double mean(std::span<const double> values) {
    const CompensatedSum sum = compensated_sum(values);
    const auto count = static_cast<double>(values.size());
    if (std::isfinite(sum.sum)) return sum.sum / count + sum.compensation / count;
    CompensatedMean mean;
    for (const double x : values) mean.add(x);
    return mean.value();
}

template <Kind kind>
void accumulate(RangeCall& call) {
    for (std::size_t step = 0; step < call.windows.size(); ++step) {
        const Window& window = call.windows[step];
        if (window.has_histograms()) [[unlikely]] {
            if (window.has_floats()) {
                call.note(RangeNote::mixed_kinds);
                continue;
            }
            auto result = combine(
                call,
                call.samples.histograms.subspan(window.histogram_begin, window.histogram_count()),
                kind
            );
            if (result) call.set(step, *std::move(result));
        } else if (window.has_floats()) {
            const auto values = call.floats(window);
            call.row[step] = kind == Kind::sum ? compensated_sum(values).value() : mean(values);
        }
    }
}

}  // namespace

void sum_over_time(RangeCall& call) { accumulate<Kind::sum>(call); }
void avg_over_time(RangeCall& call) { accumulate<Kind::mean>(call); }

}  // namespace mimir::promql
