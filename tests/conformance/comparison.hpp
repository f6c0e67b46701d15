#pragma once

#include "conformance/script.hpp"
#include "promql/engine.hpp"

namespace mimir::conformance {

/// Equal but for a relative error of 1e-6; NaN equals NaN, a stale marker only itself.
bool almost_equal(double a, double b);

/// Empty buckets and, unless the script has one, the counter reset hint don't count.
bool almost_equal(const model::FloatHistogram& actual, const Histogram& expected);

/// Holds a result against what the script expects of value and annotations.
/// Errors: invalid, saying the first difference.
Result<void> compare(const Eval& expected, const promql::QueryResult& actual);

}  // namespace mimir::conformance
