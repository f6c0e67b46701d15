#include "wave/sine_wave.hpp"

#include <cmath>
#include <numbers>
#include <string>

#include "model/labels.hpp"

namespace mimir::wave {
namespace {

/// A prime, somewhat over an hour: no block, chunk or cached piece of an answer is as long, so none passes for another.
constexpr std::int64_t kStepsOfPeriod = 181;
/// So many series differ from one another. Together they are spread over a quarter of the circle only: their sum is a
/// wave too.
constexpr std::size_t kDistinctSeries = 1000;

std::int64_t step_of_period(TimestampMs t) { return t.ms / kStep.count() % kStepsOfPeriod; }

double value_at(std::int64_t step, std::size_t series) {
    const double turns = static_cast<double>(step) / kStepsOfPeriod +
                         static_cast<double>(series % kDistinctSeries) / kDistinctSeries / 4;
    const double value = 2 + std::sin(2 * std::numbers::pi * turns);
    return std::round(value / kGrid) * kGrid;
}

}  // namespace

bool is_same(double found, double expected) { return std::abs(found - expected) <= kGrid; }

SineWave::SineWave(std::size_t series_count) : series_count_(series_count) {
    for (std::int64_t step = 0; step < kStepsOfPeriod; ++step) {
        double total = 0;
        for (std::size_t series = 0; series < series_count; ++series)
            total += value_at(step, series);
        totals_.push_back(total);
    }
}

double SineWave::value(TimestampMs t, std::size_t series) const {
    return value_at(step_of_period(t), series);
}

double SineWave::total(TimestampMs t) const {
    return totals_[static_cast<std::size_t>(step_of_period(t))];
}

void SineWave::add_to(
    model::WriteRequest& request, TimestampMs t, std::size_t first, std::size_t count
) const {
    for (std::size_t series = first; series < first + count; ++series) {
        const std::string id = std::to_string(series);
        model::LabelsBuilder builder;
        builder.set(model::kMetricName, kMetric).set(kSeriesLabel, id);
        request.add(builder.build(), {t, value(t, series)});
    }
}

}  // namespace mimir::wave
