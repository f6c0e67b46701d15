#include "promql/functions/histogram_range.hpp"

#include <algorithm>

#include "model/histogram_arithmetic.hpp"

namespace mimir::promql {

namespace {

using model::CounterResetHint;
using model::FloatHistogram;
using Histograms = std::span<const FloatHistogram* const>;

Histograms histograms_of(const RangeCall& call, const Window& window) {
    return call.samples.histograms.subspan(window.histogram_begin, window.histogram_count());
}

bool is_gauge(const FloatHistogram& histogram) {
    return histogram.reset_hint == CounterResetHint::gauge;
}

/// Whether all are of one family of schemas (and, for counters, none is a gauge).
bool check_kinds(RangeCall& call, Histograms samples, const FloatHistogram& first, bool counter) {
    if (counter && std::ranges::any_of(samples, [](const auto* h) { return is_gauge(*h); })) {
        call.note(RangeNote::histogram_not_counter);
    }
    // Between a gauge's first and last sample the others don't matter.
    const auto relevant = counter ? samples.subspan(1) : samples.last(1);
    const bool custom = model::uses_custom_buckets(first);
    for (const auto* sample : relevant) {
        if (model::uses_custom_buckets(*sample) == custom) continue;
        call.note(RangeNote::mixed_schemas);
        return false;
    }
    return true;
}

/// What a counter starts from when it was reset between the first and the second sample.
FloatHistogram zero_like(const FloatHistogram& histogram) {
    FloatHistogram zero;
    zero.schema = histogram.schema;
    zero.zero_threshold = histogram.zero_threshold;
    zero.custom_bounds = histogram.custom_bounds;
    return zero;
}

void add_before_resets(
    RangeCall& call, Histograms samples, const FloatHistogram& first, FloatHistogram& sum
) {
    const FloatHistogram* previous = &first;
    for (const auto* current : samples.subspan(1)) {
        if (model::is_counter_reset(*previous, *current) &&
            model::add(sum, *previous).bounds_reconciled) {
            call.note(RangeNote::bounds_reconciled_add);
        }
        previous = current;
    }
}

/// Last less first, with what was lost at resets put back. Nothing for schemas that don't go together.
std::optional<FloatHistogram> change(RangeCall& call, Histograms samples, bool counter) {
    FloatHistogram zero;
    const FloatHistogram* first = samples.front();
    if (counter && model::is_counter_reset(*first, *samples[1])) {
        zero = zero_like(*samples[1]);
        first = &zero;
    }
    if (!check_kinds(call, samples, *first, counter)) return std::nullopt;

    FloatHistogram result = *samples.back();
    if (!model::uses_custom_buckets(result)) {
        std::int32_t schema = std::min(result.schema, first->schema);
        if (counter) {
            for (const auto* sample : samples.subspan(1)) schema = std::min(schema, sample->schema);
        }
        if (schema < result.schema) model::reduce_resolution(result, schema);
    }
    if (model::subtract(result, *first).bounds_reconciled) {
        call.note(RangeNote::bounds_reconciled_sub);
    }
    if (counter) {
        add_before_resets(call, samples, *first, result);
    } else if (!is_gauge(*samples.front()) || !is_gauge(*samples.back())) {
        call.note(RangeNote::histogram_not_gauge);
    }
    result.reset_hint = CounterResetHint::gauge;
    model::compact(result);
    return result;
}

}  // namespace

void histogram_rate(RangeCall& call, std::size_t step, RateKind kind) {
    const Window& window = call.windows[step];
    const Histograms samples = histograms_of(call, window);
    if (samples.size() < 2) return;
    const bool counter = kind != RateKind::delta;
    auto result = change(call, samples, counter);
    if (!result) return;
    double factor = extrapolation_factor({
        .first_ms = call.samples.histogram_times[window.histogram_begin].ms,
        .last_ms = call.samples.histogram_times[window.histogram_end - 1].ms,
        .window_begin_ms = call.ends[step] - call.range,
        .window_end_ms = call.ends[step],
        .intervals = samples.size() - 1,
        .counter_first = counter ? samples.front()->count : -1,
        .counter_increase = result->count,
    });
    if (kind == RateKind::rate) factor /= static_cast<double>(call.range) / 1000;
    model::multiply(*result, factor);
    call.set(step, *std::move(result));
}

void histogram_instant_change(
    RangeCall& call,
    std::size_t step,
    const FloatHistogram& before,
    const FloatHistogram& after,
    std::optional<double> seconds
) {
    if (seconds && (is_gauge(before) || is_gauge(after))) {
        call.note(RangeNote::histogram_not_counter);
    }
    if (!seconds && (!is_gauge(before) || !is_gauge(after))) {
        call.note(RangeNote::histogram_not_gauge);
    }
    FloatHistogram result = after;
    if (!seconds || !model::is_counter_reset(before, after)) {
        const auto outcome = model::subtract(result, before);
        if (!outcome.compatible) return call.note(RangeNote::mixed_schemas);
        if (outcome.bounds_reconciled) call.note(RangeNote::bounds_reconciled_sub);
    }
    result.reset_hint = CounterResetHint::gauge;
    model::compact(result);
    if (seconds) model::divide(result, *seconds);
    call.set(step, std::move(result));
}

}  // namespace mimir::promql
