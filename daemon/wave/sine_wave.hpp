#pragma once

// Series of which everybody knows every value: what the continuous test writes, and so what a store has to answer.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/types.hpp"
#include "model/write_request.hpp"

namespace mimir::wave {

/// Mimir's name of it, so that dashboards find it.
inline constexpr std::string_view kMetric = "mimir_continuous_test_sine_wave_v2";
/// "0", "1", ...
inline constexpr std::string_view kSeriesLabel = "series_id";
/// From sample to sample; samples are at multiples of it.
inline constexpr std::chrono::milliseconds kStep = std::chrono::seconds(20);

/// Values are multiples of this, between 1 and 3: so many of them add up without rounding, in any order.
inline constexpr double kGrid = 1.0 / (1 << 20);

/// The last sample's time at or before t.
constexpr TimestampMs step_at_or_before(TimestampMs t) { return {t.ms - t.ms % kStep.count()}; }
constexpr TimestampMs step_at_or_after(TimestampMs t) {
    return step_at_or_before({t.ms + kStep.count() - 1});
}

/// Whether a value or a sum of values is the expected one. Where machines disagree on the last bit of a sine, a value
/// may be on the next multiple of the grid.
bool is_same(double found, double expected);

/// A number of series. Times below are multiples of kStep, after 1970.
/// Threads: any.
class SineWave {
  public:
    /// Cost: some hundred sines for each series.
    explicit SineWave(std::size_t series_count);

    [[nodiscard]] std::size_t series_count() const { return series_count_; }
    /// A sine of time, around 2, which each series is at another place of.
    [[nodiscard]] double value(TimestampMs t, std::size_t series) const;
    /// The sum of the values of all series.
    [[nodiscard]] double total(TimestampMs t) const;

    /// Adds the samples of that time of `count` series from `first` on.
    void add_to(model::WriteRequest& request, TimestampMs t, std::size_t first, std::size_t count)
        const;

  private:
    const std::size_t series_count_;
    std::vector<double> totals_;  // of each step of a period
};

}  // namespace mimir::wave
