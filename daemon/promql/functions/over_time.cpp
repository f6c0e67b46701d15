#include <algorithm>
#include <array>
#include <cmath>

#include "promql/functions/range_function.hpp"

namespace mimir::promql {

namespace {

/// For functions that look at floats only: row[step] = of(window's values), where there are any.
template <class Of>
void each_float_window(RangeCall& call, Of&& of) {
    for (std::size_t step = 0; step < call.windows.size(); ++step) {
        const Window& window = call.windows[step];
        if (!window.has_floats()) continue;
        if (window.has_histograms()) [[unlikely]]
            call.note(RangeNote::ignored_histograms);
        call.row[step] = of(window, step);
    }
}

double seconds(TimestampMs time) { return static_cast<double>(time.ms) / 1000; }

/// Of the window's extreme, the last one of equals. Better(candidate, best) when the candidate replaces the best.
template <class Better>
void time_of_extreme(RangeCall& call, Better&& better) {
    each_float_window(call, [&](const Window& window, std::size_t) {
        std::uint32_t best = window.begin;
        for (std::uint32_t i = window.begin + 1; i < window.end; ++i) {
            const double value = call.samples.values[i];
            if (better(value, call.samples.values[best]) || std::isnan(call.samples.values[best])) {
                best = i;
            }
        }
        return seconds(call.samples.times[best]);
    });
}

/// The best of the values, NaN only when there is no other; four at a time, as each comparison waits for the one before.
template <class Better>
double extreme(std::span<const double> values, double worst, Better&& better) {
    std::array<double, 4> best{worst, worst, worst, worst};
    std::size_t i = 0;
    for (; i + 4 <= values.size(); i += 4) {
        for (std::size_t lane = 0; lane < 4; ++lane) {
            const double x = values[i + lane];
            best[lane] = better(x, best[lane]) ? x : best[lane];
        }
    }
    for (; i < values.size(); ++i) best[0] = better(values[i], best[0]) ? values[i] : best[0];
    for (const double x : best) best[0] = better(x, best[0]) ? x : best[0];
    const bool found = best[0] != worst || std::ranges::find(values, worst) != values.end();
    return found ? best[0] : kNaN;
}

enum class End { first, last };

/// Whether the first (or last) sample of the window is a float.
bool is_float_at(const RangeCall& call, const Window& window, End end) {
    if (!window.has_histograms()) return true;
    if (!window.has_floats()) return false;
    const auto& samples = call.samples;
    return end == End::first
               ? samples.times[window.begin] < samples.histogram_times[window.histogram_begin]
               : samples.times[window.end - 1] > samples.histogram_times[window.histogram_end - 1];
}

void value_at(RangeCall& call, End end) {
    for (std::size_t step = 0; step < call.windows.size(); ++step) {
        const Window& window = call.windows[step];
        if (!window.has_floats() && !window.has_histograms()) continue;
        const bool first = end == End::first;
        if (is_float_at(call, window, end)) {
            call.row[step] = call.samples.values[first ? window.begin : window.end - 1];
        } else {
            call.set(
                step,
                *call.samples.histograms[first ? window.histogram_begin : window.histogram_end - 1]
            );
        }
    }
}

void time_at(RangeCall& call, End end) {
    const auto& samples = call.samples;
    for (std::size_t step = 0; step < call.windows.size(); ++step) {
        const Window& window = call.windows[step];
        if (!window.has_floats() && !window.has_histograms()) continue;
        const bool first = end == End::first;
        call.row[step] = seconds(
            is_float_at(call, window, end)
                ? samples.times[first ? window.begin : window.end - 1]
                : samples.histogram_times[first ? window.histogram_begin : window.histogram_end - 1]
        );
    }
}

double variance(std::span<const double> values) {
    RunningVariance variance;
    for (const double x : values) variance.add(x);
    return variance.value();
}

}  // namespace

void count_over_time(RangeCall& call) {
    for (std::size_t step = 0; step < call.windows.size(); ++step) {
        const std::size_t count =
            call.windows[step].float_count() + call.windows[step].histogram_count();
        if (count > 0) call.row[step] = static_cast<double>(count);
    }
}

void present_over_time(RangeCall& call) {
    for (std::size_t step = 0; step < call.windows.size(); ++step) {
        const Window& window = call.windows[step];
        if (window.has_floats() || window.has_histograms()) call.row[step] = 1;
    }
}

void first_over_time(RangeCall& call) { value_at(call, End::first); }
void last_over_time(RangeCall& call) { value_at(call, End::last); }
void ts_of_first_over_time(RangeCall& call) { time_at(call, End::first); }
void ts_of_last_over_time(RangeCall& call) { time_at(call, End::last); }

void max_over_time(RangeCall& call) {
    each_float_window(call, [&](const Window& window, std::size_t) {
        return extreme(call.floats(window), -kInfinity, [](double x, double best) {
            return x > best;
        });
    });
}

void min_over_time(RangeCall& call) {
    each_float_window(call, [&](const Window& window, std::size_t) {
        return extreme(call.floats(window), kInfinity, [](double x, double best) {
            return x < best;
        });
    });
}

void ts_of_max_over_time(RangeCall& call) {
    time_of_extreme(call, [](double x, double best) { return x >= best; });
}

void ts_of_min_over_time(RangeCall& call) {
    time_of_extreme(call, [](double x, double best) { return x <= best; });
}

void stdvar_over_time(RangeCall& call) {
    each_float_window(call, [&](const Window& window, std::size_t) {
        return variance(call.floats(window));
    });
}

void stddev_over_time(RangeCall& call) {
    each_float_window(call, [&](const Window& window, std::size_t) {
        return std::sqrt(variance(call.floats(window)));
    });
}

double quantile(double q, std::span<double> values) {
    if (values.empty() || std::isnan(q)) return kNaN;
    if (q < 0) return -kInfinity;
    if (q > 1) return kInfinity;
    // NaN is smallest: of the others only the two that count are put in their places.
    const auto numbers = std::ranges::partition(values, [](double x) { return std::isnan(x); });
    const std::size_t nans = values.size() - numbers.size();
    const double rank = q * (static_cast<double>(values.size()) - 1);
    const auto lower = static_cast<std::size_t>(std::floor(rank));
    const std::size_t upper = std::min(values.size() - 1, lower + 1);
    const double weight = rank - std::floor(rank);
    if (lower < nans) return kNaN;
    std::ranges::nth_element(numbers, numbers.begin() + static_cast<std::ptrdiff_t>(lower - nans));
    const double low = values[lower];
    // A weight of zero does not make an infinity vanish: 0 * Inf is NaN, as in Prometheus.
    const double high = upper == lower ? low : *std::ranges::min_element(values.subspan(upper));
    return low * (1 - weight) + high * weight;
}

void quantile_over_time(RangeCall& call) {
    std::vector<double> sorted;
    each_float_window(call, [&](const Window& window, std::size_t step) {
        const double q = call.parameter[step];
        sorted.assign(call.floats(window).begin(), call.floats(window).end());
        return quantile(q, sorted);
    });
}

void mad_over_time(RangeCall& call) {
    std::vector<double> sorted;
    each_float_window(call, [&](const Window& window, std::size_t) {
        sorted.assign(call.floats(window).begin(), call.floats(window).end());
        if (std::ranges::any_of(sorted, [](double x) { return std::isnan(x); })) return kNaN;
        const double median = quantile(0.5, sorted);
        for (double& x : sorted) x = std::abs(x - median);
        return quantile(0.5, sorted);
    });
}

}  // namespace mimir::promql
