#include "model/histogram_buckets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace mimir::model {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Schema 8, the finest, has 256 bounds from one power of two to the next; coarser ones have some of them.
constexpr std::int32_t kFinestSchema = 8;
constexpr std::size_t kFinestBounds = std::size_t{1} << kFinestSchema;

/// 2^(i/256), half of it.
const std::array<double, kFinestBounds>& half_bounds() {
    static const auto bounds = [] {
        std::array<double, kFinestBounds> values{};
        for (std::size_t i = 0; i < kFinestBounds; ++i) {
            values[i] = std::exp2(static_cast<double>(i) / kFinestBounds) / 2;
        }
        return values;
    }();
    return bounds;
}

/// fraction * 2^exponent, but the largest double instead of 2^1024.
double bound(double fraction, std::int64_t exponent) {
    if (fraction == 0.5 && exponent == 1025) return std::numeric_limits<double>::max();
    return std::ldexp(fraction, static_cast<int>(std::clamp<std::int64_t>(exponent, -2000, 2000)));
}

/// The upper bound of a bucket of any schema.
double upper_bound(const FloatHistogram& histogram, std::int64_t index) {
    if (histogram.schema != kCustomBucketsSchema) {
        return exponential_bound(static_cast<std::int32_t>(index), histogram.schema);
    }
    if (index < 0) return -kInfinity;
    const auto position = static_cast<std::size_t>(index);
    return position < histogram.custom_bounds.size() ? histogram.custom_bounds[position]
                                                     : kInfinity;
}

/// As Go's %g: the shortest digits that read back, with an exponent when it is under -4 or over 5.
std::string format_number(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "+Inf" : "-Inf";
    constexpr double kFixedMax = 1e6;
    constexpr double kFixedMin = 1e-4;
    const double magnitude = std::fabs(number);
    const bool fixed = magnitude == 0 || (magnitude >= kFixedMin && magnitude < kFixedMax);
    char text[32];
    const auto format = fixed ? std::chars_format::fixed : std::chars_format::scientific;
    return {text, std::to_chars(text, text + sizeof(text), number, format).ptr};
}

void append_bucket(std::string& text, const Bucket& bucket) {
    if (bucket.count == 0) return;
    fmt::format_to(
        std::back_inserter(text),
        ", {}{},{}{}:{}",
        bucket.lower_inclusive ? '[' : '(',
        format_number(bucket.lower),
        format_number(bucket.upper),
        bucket.upper_inclusive ? ']' : ')',
        format_number(bucket.count)
    );
}

}  // namespace

double exponential_bound(std::int32_t index, std::int32_t schema) {
    if (schema <= 0) return bound(0.5, (std::int64_t{index} << -schema) + 1);
    const std::int32_t within = index & ((1 << schema) - 1);
    const auto finest = static_cast<std::size_t>(within) << (kFinestSchema - schema);
    return bound(half_bounds()[finest], std::int64_t{index >> schema} + 1);
}

BucketWalk::BucketWalk(
    std::span<const BucketSpan> spans, std::span<const double> counts, Direction direction
)
    : spans_(spans), counts_(counts), direction_(direction) {
    if (direction == Direction::outward) {
        // One before the first.
        index_ = (spans.empty() ? 0 : spans[0].offset) - 1;
        position_ = std::numeric_limits<std::size_t>::max();
        return;
    }
    // One behind the last.
    span_ = spans.size();
    for (const BucketSpan& span : spans)
        index_ += span.offset + static_cast<std::int32_t>(span.length);
    position_ = counts.size();
}

bool BucketWalk::next_inward() {
    while (within_ == 0) {
        if (span_ == 0) return false;
        if (span_ < spans_.size()) index_ -= spans_[span_].offset;
        within_ = spans_[--span_].length;
    }
    --within_;
    --index_;
    --position_;
    return true;
}

Bucket zero_bucket(const FloatHistogram& histogram) {
    return {
        .lower = -histogram.zero_threshold,
        .upper = histogram.zero_threshold,
        .count = histogram.zero_count,
        .lower_inclusive = true,
        .upper_inclusive = true,
    };
}

Bucket positive_bucket(const FloatHistogram& histogram, std::int32_t index, double count) {
    return {
        .lower = upper_bound(histogram, std::int64_t{index} - 1),
        .upper = upper_bound(histogram, index),
        .count = count,
        .lower_inclusive = histogram.schema == kCustomBucketsSchema && index == 0,
        .upper_inclusive = true,
    };
}

Bucket negative_bucket(const FloatHistogram& histogram, std::int32_t index, double count) {
    const Bucket mirrored = positive_bucket(histogram, index, count);
    return {
        .lower = -mirrored.upper,
        .upper = -mirrored.lower,
        .count = count,
        .lower_inclusive = true,
        .upper_inclusive = false,
    };
}

BucketCursor::BucketCursor(const FloatHistogram& histogram, BucketOrder order)
    : histogram_(&histogram),
      order_(order),
      negative_(
          histogram.negative_spans,
          histogram.negative_buckets,
          order == BucketOrder::ascending ? BucketWalk::Direction::inward
                                          : BucketWalk::Direction::outward
      ),
      positive_(
          histogram.positive_spans,
          histogram.positive_buckets,
          order == BucketOrder::ascending ? BucketWalk::Direction::outward
                                          : BucketWalk::Direction::inward
      ) {}

bool BucketCursor::next() {
    const bool ascending = order_ == BucketOrder::ascending;
    switch (stage_) {
        case Stage::first_side:
            if (ascending ? next_negative() : next_positive()) return true;
            stage_ = Stage::zero;
            [[fallthrough]];
        case Stage::zero:
            stage_ = Stage::second_side;
            if (histogram_->zero_count > 0) {
                bucket_ = zero_bucket(*histogram_);
                return true;
            }
            [[fallthrough]];
        case Stage::second_side: break;
    }
    return ascending ? next_positive() : next_negative();
}

bool BucketCursor::next_positive() {
    if (!positive_.next()) return false;
    bucket_ = positive_bucket(*histogram_, positive_.index(), positive_.count());
    const double threshold = histogram_->zero_threshold;
    const bool overlap = bucket_.lower < threshold && bucket_.upper > threshold;
    if (overlap && histogram_->schema != kCustomBucketsSchema) bucket_.lower = threshold;
    return true;
}

bool BucketCursor::next_negative() {
    if (!negative_.next()) return false;
    bucket_ = negative_bucket(*histogram_, negative_.index(), negative_.count());
    const double threshold = histogram_->zero_threshold;
    if (bucket_.lower < -threshold && bucket_.upper > -threshold) bucket_.upper = -threshold;
    return true;
}

std::string to_string(const FloatHistogram& histogram) {
    std::string text = fmt::format(
        "{{count:{}, sum:{}", format_number(histogram.count), format_number(histogram.sum)
    );
    BucketWalk negative(
        histogram.negative_spans, histogram.negative_buckets, BucketWalk::Direction::inward
    );
    while (negative.next()) {
        append_bucket(text, negative_bucket(histogram, negative.index(), negative.count()));
    }
    append_bucket(text, zero_bucket(histogram));
    BucketWalk positive(histogram.positive_spans, histogram.positive_buckets);
    while (positive.next()) {
        append_bucket(text, positive_bucket(histogram, positive.index(), positive.count()));
    }
    return text + '}';
}

}  // namespace mimir::model
