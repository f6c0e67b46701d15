#pragma once

// What a native histogram says in one number.

#include "promql/functions/function_table.hpp"
#include "promql/functions/values.hpp"

namespace mimir::promql {

using HistogramFunction = double (*)(const model::FloatHistogram& histogram);

/// histogram_avg, _count, _sum, _stddev, _stdvar; null for other functions.
HistogramFunction histogram_function(FunctionId id);

/// What estimating from a histogram has to tell.
struct EstimateNotes {
    bool nan_result = false;    ///< Observations of NaN make the result NaN,
    bool nan_skewed = false;    ///< or push it up,
    bool nan_excluded = false;  ///< or are left out of fractions.
};

/// histogram_quantile of a native histogram.
double histogram_quantile(double q, const model::FloatHistogram& histogram, EstimateNotes& notes);

/// histogram_fraction of a native histogram: the share of observations in (lower, upper].
double histogram_fraction(
    double lower, double upper, const model::FloatHistogram& histogram, EstimateNotes& notes
);

}  // namespace mimir::promql
