#pragma once

// What functions of range vectors do with native histograms.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "promql/functions/range_function.hpp"

namespace mimir::promql {

enum class RateKind : std::uint8_t { rate, increase, delta };

/// How the samples of a window lie in it.
struct Extrapolation {
    std::int64_t first_ms;
    std::int64_t last_ms;
    std::int64_t window_begin_ms;
    std::int64_t window_end_ms;
    std::size_t intervals;    ///< Between samples; at least 1.
    double counter_first;     ///< Value of a counter's first sample; negative for gauges.
    double counter_increase;  ///< Between first and last sample.
};

/// By how much the change between a window's first and last sample grows when it is taken to go on to the window's edges,
/// or half an average interval beyond the samples where the edge is far.
/// Source: behaviour of Prometheus promql/functions.go, extrapolatedRate.
double extrapolation_factor(const Extrapolation& x);

/// rate, increase, delta of the step's window, which holds histograms only.
void histogram_rate(RangeCall& call, std::size_t step, RateKind kind);

/// irate (with the seconds between the two samples) and idelta (without).
void histogram_instant_change(
    RangeCall& call,
    std::size_t step,
    const model::FloatHistogram& before,
    const model::FloatHistogram& after,
    std::optional<double> seconds
);

}  // namespace mimir::promql
