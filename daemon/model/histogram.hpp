#pragma once

#include <cstdint>
#include <vector>

#include "base/types.hpp"

namespace mimir::model {

/// Of a run of buckets: the gap before it (the first span: the index of its first bucket) and its number of buckets.
struct BucketSpan {
    std::int32_t offset = 0;
    std::uint32_t length = 0;

    bool operator==(const BucketSpan&) const = default;
};

enum class CounterResetHint : std::uint8_t { unknown = 0, reset = 1, not_reset = 2, gauge = 3 };

/// Schema of histograms with custom bucket bounds. Exponential schemas are -4..8.
inline constexpr std::int32_t kCustomBucketsSchema = -53;

constexpr bool is_exponential_schema(std::int32_t schema) { return schema >= -4 && schema <= 8; }

/// Indexes of buckets lie within +-kBucketIndexMax: far beyond what any schema has, and far enough from the ends of
/// int32 for arithmetic with them.
inline constexpr std::int64_t kBucketIndexMax = std::int64_t{1} << 30;

/// A native histogram with integer counts, as samples carry it: buckets are deltas to the one before.
struct Histogram {
    CounterResetHint reset_hint = CounterResetHint::unknown;
    std::int32_t schema = 0;
    double zero_threshold = 0;
    std::uint64_t zero_count = 0;
    std::uint64_t count = 0;
    double sum = 0;
    std::vector<BucketSpan> positive_spans;
    std::vector<BucketSpan> negative_spans;
    std::vector<std::int64_t> positive_deltas;
    std::vector<std::int64_t> negative_deltas;
    std::vector<double> custom_bounds;  // upper bounds, for kCustomBucketsSchema only

    bool operator==(const Histogram&) const = default;
};

/// The same with floating-point counts; buckets are absolute. What PromQL computes with.
struct FloatHistogram {
    CounterResetHint reset_hint = CounterResetHint::unknown;
    std::int32_t schema = 0;
    double zero_threshold = 0;
    double zero_count = 0;
    double count = 0;
    double sum = 0;
    std::vector<BucketSpan> positive_spans;
    std::vector<BucketSpan> negative_spans;
    std::vector<double> positive_buckets;
    std::vector<double> negative_buckets;
    std::vector<double> custom_bounds;

    bool operator==(const FloatHistogram&) const = default;
};

FloatHistogram to_float(const Histogram& histogram);

}  // namespace mimir::model
