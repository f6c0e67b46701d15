#include "model/histogram_validation.hpp"

#include <cmath>
#include <limits>
#include <span>

namespace mimir::model {
namespace {

Result<void> check_spans(std::span<const BucketSpan> spans, std::size_t buckets) {
    std::uint64_t needed = 0;
    std::int64_t next = 0;  // index of a bucket
    for (const BucketSpan& span : spans) {
        if (&span != spans.data() && span.offset < 0) {
            return fail_with_id(
                ErrorKind::invalid,
                "native-histogram-span-negative-offset",
                "native histogram has a span whose offset is negative: {}",
                span.offset
            );
        }
        needed += span.length;
        const std::int64_t first = next + span.offset;
        next = first + span.length;
        if (first < -kBucketIndexMax || next > kBucketIndexMax) {
            return fail(ErrorKind::invalid, "native histogram has buckets beyond any number");
        }
    }
    if (needed == buckets) return {};
    return fail_with_id(
        ErrorKind::invalid,
        "native-histogram-spans-buckets-mismatch",
        "native histogram has spans for {} buckets, and {} buckets",
        needed,
        buckets
    );
}

Result<void> check_custom_bounds(
    std::span<const double> bounds, std::span<const BucketSpan> spans
) {
    double previous = -std::numeric_limits<double>::infinity();
    for (const double bound : bounds) {
        if (std::isnan(bound) || bound <= previous) {
            return fail_with_id(
                ErrorKind::invalid,
                "native-histogram-custom-buckets-invalid",
                "native histogram has custom bounds that do not ascend: {} after {}",
                bound,
                previous
            );
        }
        previous = bound;
    }
    if (previous == std::numeric_limits<double>::infinity()) {
        return fail_with_id(
            ErrorKind::invalid,
            "native-histogram-custom-buckets-infinite",
            "native histogram has an infinite custom bound"
        );
    }
    std::int64_t end = 0;
    for (const BucketSpan& span : spans) end += span.offset + std::int64_t{span.length};
    const bool begins = spans.empty() || spans[0].offset >= 0;
    if (begins && end <= static_cast<std::int64_t>(bounds.size()) + 1) return {};
    return fail_with_id(
        ErrorKind::invalid,
        "native-histogram-custom-buckets-mismatch",
        "native histogram has {} custom bounds, and buckets up to number {}",
        bounds.size(),
        end
    );
}

/// Schema, spans and bounds; of either flavour.
template <class AnyHistogram>
Result<void> check_layout(
    const AnyHistogram& histogram, std::size_t positive_buckets, std::size_t negative_buckets
) {
    MIMIR_TRY(check_spans(histogram.positive_spans, positive_buckets));
    MIMIR_TRY(check_spans(histogram.negative_spans, negative_buckets));
    if (histogram.schema == kCustomBucketsSchema) {
        if (negative_buckets != 0 || histogram.zero_count != 0 || histogram.zero_threshold != 0) {
            return fail_with_id(
                ErrorKind::invalid,
                "native-histogram-custom-buckets-mismatch",
                "native histogram has custom bounds and negative or zero buckets"
            );
        }
        return check_custom_bounds(histogram.custom_bounds, histogram.positive_spans);
    }
    if (!(histogram.zero_threshold >= 0) || std::isinf(histogram.zero_threshold)) {
        return fail(
            ErrorKind::invalid,
            "native histogram has a zero threshold of {}",
            histogram.zero_threshold
        );
    }
    if (!is_exponential_schema(histogram.schema)) {
        return fail_with_id(
            ErrorKind::invalid,
            "invalid-native-histogram-schema",
            "native histogram has an unknown schema: {}",
            histogram.schema
        );
    }
    return {};
}

tl::unexpected<Error> negative_count(double count) {
    return fail_with_id(
        ErrorKind::invalid,
        "native-histogram-negative-bucket-count",
        "native histogram has a bucket with a negative count: {}",
        count
    );
}

/// The sum of the counts that deltas stand for.
Result<std::uint64_t> add_up(std::span<const std::int64_t> deltas) {
    std::int64_t count = 0;
    std::uint64_t sum = 0;
    for (const std::int64_t delta : deltas) {
        const bool overflow = __builtin_add_overflow(count, delta, &count);
        if (overflow || count < 0) return negative_count(static_cast<double>(count));
        sum += static_cast<std::uint64_t>(count);
    }
    return sum;
}

Result<void> check_counts(std::span<const double> counts) {
    for (const double count : counts) {
        if (count < 0) return negative_count(count);
    }
    return {};
}

}  // namespace

Result<void> validate(const Histogram& histogram) {
    MIMIR_TRY(
        check_layout(histogram, histogram.positive_deltas.size(), histogram.negative_deltas.size())
    );
    MIMIR_TRY(const std::uint64_t positive, add_up(histogram.positive_deltas));
    MIMIR_TRY(const std::uint64_t negative, add_up(histogram.negative_deltas));
    const std::uint64_t in_buckets = positive + negative + histogram.zero_count;
    // Observations of NaN count, and are in no bucket.
    if (std::isnan(histogram.sum)) {
        if (in_buckets <= histogram.count) return {};
        return fail_with_id(
            ErrorKind::invalid,
            "native-histogram-count-not-big-enough",
            "native histogram has {} observations in its buckets, more than its count {}",
            in_buckets,
            histogram.count
        );
    }
    if (in_buckets == histogram.count) return {};
    return fail_with_id(
        ErrorKind::invalid,
        "native-histogram-count-mismatch",
        "native histogram has {} observations in its buckets, and its count is {}",
        in_buckets,
        histogram.count
    );
}

Result<void> validate(const FloatHistogram& histogram) {
    MIMIR_TRY(check_layout(
        histogram, histogram.positive_buckets.size(), histogram.negative_buckets.size()
    ));
    MIMIR_TRY(check_counts(histogram.positive_buckets));
    MIMIR_TRY(check_counts(histogram.negative_buckets));
    if (histogram.zero_count < 0) return negative_count(histogram.zero_count);
    if (histogram.count < 0) return negative_count(histogram.count);
    return {};
}

}  // namespace mimir::model
