#include "model/histogram.hpp"

namespace mimir::model {
namespace {

std::vector<double> absolute_counts(const std::vector<std::int64_t>& deltas) {
    std::vector<double> counts;
    counts.reserve(deltas.size());
    std::int64_t count = 0;
    for (const std::int64_t delta : deltas) {
        count += delta;
        counts.push_back(static_cast<double>(count));
    }
    return counts;
}

}  // namespace

FloatHistogram to_float(const Histogram& histogram) {
    return {
        .reset_hint = histogram.reset_hint,
        .schema = histogram.schema,
        .zero_threshold = histogram.zero_threshold,
        .zero_count = static_cast<double>(histogram.zero_count),
        .count = static_cast<double>(histogram.count),
        .sum = histogram.sum,
        .positive_spans = histogram.positive_spans,
        .negative_spans = histogram.negative_spans,
        .positive_buckets = absolute_counts(histogram.positive_deltas),
        .negative_buckets = absolute_counts(histogram.negative_deltas),
        .custom_bounds = histogram.custom_bounds,
    };
}

}  // namespace mimir::model
