#pragma once

// Histograms made of series, one a bucket, told apart by the label "le".

#include <span>

#include "promql/functions/values.hpp"

namespace mimir::promql {

/// One bucket of a classic histogram: how many observations are at most its upper bound.
struct ClassicBucket {
    double upper_bound = 0;
    double count = 0;
};

/// histogram_quantile of a classic histogram. Sorts the buckets; where a count is lower than the one before it is raised,
/// and `mended` set when that is more than rounding explains.
double classic_quantile(double q, std::span<ClassicBucket> buckets, bool& mended);

/// histogram_fraction of a classic histogram: the share of observations in (lower, upper].
double classic_fraction(double lower, double upper, std::span<ClassicBucket> buckets);

}  // namespace mimir::promql
