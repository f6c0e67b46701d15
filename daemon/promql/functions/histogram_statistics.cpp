#include "promql/functions/histogram_statistics.hpp"

#include <cmath>

#include "model/histogram_arithmetic.hpp"
#include "model/histogram_buckets.hpp"

namespace mimir::promql {

namespace {

using model::Bucket;
using model::BucketCursor;
using model::BucketOrder;
using model::FloatHistogram;

double average(const FloatHistogram& histogram) { return histogram.sum / histogram.count; }

/// What an observation in the bucket is taken for.
double midpoint(const FloatHistogram& histogram, const Bucket& bucket) {
    if (model::uses_custom_buckets(histogram)) return (bucket.upper + bucket.lower) / 2;
    if (bucket.lower <= 0 && bucket.upper >= 0) return 0;
    const double mean = std::sqrt(bucket.upper * bucket.lower);
    return bucket.upper < 0 ? -mean : mean;
}

double variance(const FloatHistogram& histogram) {
    const double mean = average(histogram);
    CompensatedSum sum{0, 0};
    for (BucketCursor cursor(histogram, BucketOrder::ascending); cursor.next();) {
        const Bucket& bucket = cursor.bucket();
        if (bucket.count == 0) continue;
        const double delta = midpoint(histogram, bucket) - mean;
        sum.add(bucket.count * delta * delta);
    }
    return sum.value() / histogram.count;
}

/// Where only one side of zero has buckets, the zero bucket is taken to lie on that side, too.
void narrow_zero_bucket(const FloatHistogram& histogram, Bucket& bucket) {
    const bool negative = !histogram.negative_buckets.empty();
    const bool positive = !histogram.positive_buckets.empty();
    if (positive && !negative) bucket.lower = 0;
    if (negative && !positive) bucket.upper = 0;
}

double log_size(double x) { return std::log2(std::abs(x)); }

/// The value a fraction of the way through the bucket.
double interpolate(const FloatHistogram& histogram, const Bucket& bucket, double fraction) {
    if (model::uses_custom_buckets(histogram) || (bucket.lower <= 0 && bucket.upper >= 0)) {
        return bucket.lower + (bucket.upper - bucket.lower) * fraction;
    }
    const double lower = log_size(bucket.lower);
    const double upper = log_size(bucket.upper);
    if (bucket.lower > 0) return std::exp2(lower + (upper - lower) * fraction);
    return -std::exp2(upper + (lower - upper) * (1 - fraction));
}

/// The share of the bucket below the value, which lies within.
double share_below(const FloatHistogram& histogram, const Bucket& bucket, bool linear, double x) {
    if (linear || model::uses_custom_buckets(histogram)) {
        // Of an infinite bucket nothing is known: all of it is at its finite end.
        if (bucket.lower == -kInfinity) return 1;
        return (x - bucket.lower) / (bucket.upper - bucket.lower);
    }
    const double lower = log_size(bucket.lower);
    const double upper = log_size(bucket.upper);
    if (x > 0) return (log_size(x) - lower) / (upper - lower);
    return 1 - (log_size(x) - upper) / (lower - upper);
}

/// Finds how many observations are below a value, bucket by bucket.
class RankSearch {
  public:
    explicit RankSearch(double value) : value_(value) {}

    void see(const FloatHistogram& histogram, const Bucket& bucket, bool linear, double before) {
        if (found_) return;
        if (bucket.lower >= value_) {
            rank_ = before;
            found_ = true;
        } else if (bucket.upper > value_) {
            rank_ = before + bucket.count * share_below(histogram, bucket, linear, value_);
            found_ = true;
        }
    }
    [[nodiscard]] double rank(double total) const {
        return found_ ? std::fmin(rank_, total) : total;
    }

  private:
    double value_;
    double rank_ = 0;
    bool found_ = false;
};

}  // namespace

HistogramFunction histogram_function(FunctionId id) {
    switch (id) {
        case FunctionId::histogram_avg: return average;
        case FunctionId::histogram_count: return [](const FloatHistogram& h) { return h.count; };
        case FunctionId::histogram_sum: return [](const FloatHistogram& h) { return h.sum; };
        case FunctionId::histogram_stdvar: return variance;
        case FunctionId::histogram_stddev:
            return [](const FloatHistogram& h) { return std::sqrt(variance(h)); };
        default: return nullptr;
    }
}

double histogram_quantile(double q, const FloatHistogram& histogram, EstimateNotes& notes) {
    if (q < 0) return -kInfinity;
    if (q > 1) return kInfinity;
    if (histogram.count == 0 || std::isnan(q)) return kNaN;

    // Observations of NaN are in no bucket, and count as the highest: so ranks must be counted from below.
    const bool ascending = std::isnan(histogram.sum) || q < 0.5;
    double rank = (ascending ? q : 1 - q) * histogram.count;
    double count = 0;
    Bucket bucket;
    BucketCursor cursor(histogram, ascending ? BucketOrder::ascending : BucketOrder::descending);
    while (cursor.next()) {
        if (cursor.bucket().count == 0) continue;
        bucket = cursor.bucket();
        count += bucket.count;
        if (count >= rank) break;
    }
    if (model::uses_custom_buckets(histogram)) {
        if (bucket.lower == -kInfinity) {
            if (bucket.upper <= 0) return bucket.upper;
            bucket.lower = 0;
        } else if (bucket.upper == kInfinity) {
            return bucket.lower;
        }
    } else if (bucket.lower < 0 && bucket.upper > 0) {
        narrow_zero_bucket(histogram, bucket);
    }
    count = std::fmin(count, histogram.count);
    if (count < rank) {
        if (!std::isnan(histogram.sum)) return bucket.upper;
        notes.nan_result = true;
        return kNaN;
    }
    if (std::isnan(histogram.sum)) notes.nan_skewed = true;
    rank = ascending ? rank - (count - bucket.count) : count - rank;
    return interpolate(histogram, bucket, rank / bucket.count);
}

double histogram_fraction(
    double lower, double upper, const FloatHistogram& histogram, EstimateNotes& notes
) {
    if (histogram.count == 0 || std::isnan(lower) || std::isnan(upper)) return kNaN;
    if (std::isnan(histogram.sum)) notes.nan_excluded = true;
    if (lower >= upper) return 0;
    RankSearch below_lower(lower);
    RankSearch below_upper(upper);
    double before = 0;
    for (BucketCursor cursor(histogram, BucketOrder::ascending); cursor.next();) {
        Bucket bucket = cursor.bucket();
        const bool holds_zero = bucket.lower <= 0 && bucket.upper >= 0;
        if (holds_zero) narrow_zero_bucket(histogram, bucket);
        below_lower.see(histogram, bucket, holds_zero, before);
        below_upper.see(histogram, bucket, holds_zero, before);
        before += bucket.count;
    }
    const double total = std::isnan(histogram.sum) ? before : histogram.count;
    return (below_upper.rank(total) - below_lower.rank(total)) / histogram.count;
}

}  // namespace mimir::promql
