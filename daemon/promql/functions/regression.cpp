#include <algorithm>
#include <cmath>

#include "promql/functions/range_function.hpp"

namespace mimir::promql {

namespace {

struct Line {
    double slope;      // per second
    double intercept;  // at the time asked for
};

/// Least squares; x is the time in seconds since `origin`.
Line fit(std::span<const TimestampMs> times, std::span<const double> values, std::int64_t origin) {
    const double first = values.front();
    if (std::ranges::all_of(values, [&](double y) { return y == first; })) {
        return std::isinf(first) ? Line{kNaN, kNaN} : Line{0, first};
    }
    CompensatedSum sum_x{0, 0};
    CompensatedSum sum_y{0, 0};
    CompensatedSum sum_xy{0, 0};
    CompensatedSum sum_x2{0, 0};
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double x = static_cast<double>(times[i].ms - origin) / 1000;
        sum_x.add(x);
        sum_y.add(values[i]);
        sum_xy.add(x * values[i]);
        sum_x2.add(x * x);
    }
    const auto n = static_cast<double>(values.size());
    const double x = sum_x.sum + sum_x.compensation;
    const double y = sum_y.sum + sum_y.compensation;
    const double covariance = sum_xy.sum + sum_xy.compensation - x * y / n;
    const double variance = sum_x2.sum + sum_x2.compensation - x * x / n;
    const double slope = covariance / variance;
    return {slope, y / n - slope * x / n};
}

/// For windows of at least two floats.
template <class Of>
void each_window(RangeCall& call, Of&& of) {
    for (std::size_t step = 0; step < call.windows.size(); ++step) {
        const Window& window = call.windows[step];
        if (window.has_floats() && window.has_histograms()) {
            call.note(RangeNote::ignored_histograms);
        }
        if (window.float_count() >= 2) call.row[step] = of(window, step);
    }
}

}  // namespace

void deriv(RangeCall& call) {
    each_window(call, [&](const Window& window, std::size_t) {
        const auto times = call.float_times(window);
        return fit(times, call.floats(window), times.front().ms).slope;
    });
}

void predict_linear(RangeCall& call) {
    each_window(call, [&](const Window& window, std::size_t step) {
        const Line line = fit(call.float_times(window), call.floats(window), call.times[step]);
        return line.slope * call.parameter[step] + line.intercept;
    });
}

void double_exponential_smoothing(RangeCall& call) {
    each_window(call, [&](const Window& window, std::size_t step) {
        const auto values = call.floats(window);
        const double level_factor = call.parameter[step];
        const double trend_factor = call.parameter2[step];
        double before = 0;
        double level = values[0];
        double trend = values[1] - values[0];
        for (std::size_t i = 1; i < values.size(); ++i) {
            if (i > 1) trend = trend_factor * (level - before) + (1 - trend_factor) * trend;
            before = level;
            level = level_factor * values[i] + (1 - level_factor) * (before + trend);
        }
        return level;
    });
}

}  // namespace mimir::promql
