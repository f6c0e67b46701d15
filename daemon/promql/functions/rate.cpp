#include <cmath>

#include "promql/functions/histogram_range.hpp"
#include "promql/functions/range_function.hpp"

namespace mimir::promql {

namespace {

/// Indices i with values[i] < values[i - 1]: where a counter began anew.
void find_drops(std::span<const double> values, std::vector<std::uint32_t>& drops) {
    drops.clear();
    int any = 0;
    for (std::size_t i = 1; i < values.size(); ++i) any |= values[i] < values[i - 1] ? 1 : 0;
    if (any == 0) return;
    for (std::size_t i = 1; i < values.size(); ++i) {
        if (values[i] < values[i - 1]) drops.push_back(static_cast<std::uint32_t>(i));
    }
}

/// The increase between first and last sample of each window, counter resets made good.
class CounterIncrease {
  public:
    explicit CounterIncrease(std::span<const double> values) : values_(values) {
        find_drops(values, drops_);
    }

    /// Windows must not go back.
    double over(const Window& window) {
        double increase = values_[window.end - 1] - values_[window.begin];
        while (at_ < drops_.size() && drops_[at_] <= window.begin) ++at_;
        for (std::size_t i = at_; i < drops_.size() && drops_[i] < window.end; ++i) {
            increase += values_[drops_[i] - 1];
        }
        return increase;
    }

  private:
    std::span<const double> values_;
    std::vector<std::uint32_t> drops_;
    std::size_t at_ = 0;  // the first drop that later windows may hold
};

struct PlainDifference {
    std::span<const double> values;

    [[nodiscard]] double over(const Window& window) const {
        return values[window.end - 1] - values[window.begin];
    }
};

template <RateKind kind, class Difference>
void extrapolated(RangeCall& call, Difference difference) {
    const double range_seconds = static_cast<double>(call.range) / 1000;
    for (std::size_t step = 0; step < call.windows.size(); ++step) {
        const Window& window = call.windows[step];
        if (window.has_histograms()) [[unlikely]] {
            if (window.has_floats()) {
                call.note(RangeNote::mixed_kinds);
            } else {
                histogram_rate(call, step, kind);
            }
            continue;
        }
        if (window.float_count() < 2) continue;
        const double change = difference.over(window);
        const double factor = extrapolation_factor({
            .first_ms = call.samples.times[window.begin].ms,
            .last_ms = call.samples.times[window.end - 1].ms,
            .window_begin_ms = call.ends[step] - call.range,
            .window_end_ms = call.ends[step],
            .intervals = window.float_count() - 1,
            .counter_first = kind == RateKind::delta ? -1 : call.samples.values[window.begin],
            .counter_increase = change,
        });
        call.row[step] = change * (kind == RateKind::rate ? factor / range_seconds : factor);
    }
}

enum class Instant { rate, delta };

/// The later of a window's last two samples, and which of them are floats.
struct LastTwo {
    bool floats[2];
    std::uint32_t index[2];
    std::int64_t times[2];
};

LastTwo last_two(const RangeCall& call, const Window& window) {
    LastTwo last{};
    std::uint32_t f = window.end;
    std::uint32_t h = window.histogram_end;
    const auto& samples = call.samples;
    for (int i = 1; i >= 0; --i) {
        const bool is_float =
            h == window.histogram_begin ||
            (f != window.begin && samples.times[f - 1] > samples.histogram_times[h - 1]);
        last.floats[i] = is_float;
        last.index[i] = is_float ? --f : --h;
        last.times[i] =
            is_float ? samples.times[last.index[i]].ms : samples.histogram_times[last.index[i]].ms;
    }
    return last;
}

template <Instant kind>
void instant_change(RangeCall& call) {
    for (std::size_t step = 0; step < call.windows.size(); ++step) {
        const Window& window = call.windows[step];
        if (window.float_count() + window.histogram_count() < 2) continue;
        const LastTwo last = last_two(call, window);
        const double seconds = static_cast<double>(last.times[1] - last.times[0]) / 1000;
        if (seconds == 0) continue;
        if (last.floats[0] != last.floats[1]) {
            call.note(RangeNote::mixed_kinds);
        } else if (last.floats[0]) {
            const double before = call.samples.values[last.index[0]];
            const double after = call.samples.values[last.index[1]];
            const bool reset = kind == Instant::rate && after < before;
            const double change = reset ? after : after - before;
            call.row[step] = kind == Instant::rate ? change / seconds : change;
        } else {
            histogram_instant_change(
                call,
                step,
                *call.samples.histograms[last.index[0]],
                *call.samples.histograms[last.index[1]],
                kind == Instant::rate ? std::optional(seconds) : std::nullopt
            );
        }
    }
}

}  // namespace

double extrapolation_factor(const Extrapolation& x) {
    const double sampled = static_cast<double>(x.last_ms - x.first_ms) / 1000;
    const double average = sampled / static_cast<double>(x.intervals);
    const double threshold = average * 1.1;
    double to_begin = static_cast<double>(x.first_ms - x.window_begin_ms) / 1000;
    double to_end = static_cast<double>(x.window_end_ms - x.last_ms) / 1000;
    if (to_begin >= threshold) to_begin = average / 2;
    if (x.counter_increase > 0 && x.counter_first >= 0) {
        // A counter can't have been below zero.
        to_begin = std::min(to_begin, sampled * (x.counter_first / x.counter_increase));
    }
    if (to_end >= threshold) to_end = average / 2;
    return (sampled + to_begin + to_end) / sampled;
}

void rate(RangeCall& call) {
    extrapolated<RateKind::rate>(call, CounterIncrease(call.samples.values));
}
void increase(RangeCall& call) {
    extrapolated<RateKind::increase>(call, CounterIncrease(call.samples.values));
}
void delta(RangeCall& call) {
    extrapolated<RateKind::delta>(call, PlainDifference{call.samples.values});
}
void irate(RangeCall& call) { instant_change<Instant::rate>(call); }
void idelta(RangeCall& call) { instant_change<Instant::delta>(call); }

}  // namespace mimir::promql
