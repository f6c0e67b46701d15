#pragma once

// Functions of single numbers: mathematics and the parts of dates.

#include <cmath>
#include <span>

#include "promql/functions/function_table.hpp"
#include "promql/functions/values.hpp"

namespace mimir::promql {

/// Replaces each number of a row, leaving absent ones absent.
using RowFunction = void (*)(std::span<double> values);

/// abs, ceil, exp, sin, minute, ...; null for what isn't a function of one number.
RowFunction row_function(FunctionId id);

/// Go's math.Min and math.Max: NaN when either is.
inline double min_of(double a, double b) {
    return std::isnan(a) || std::isnan(b) ? kNaN : std::fmin(a, b);
}
inline double max_of(double a, double b) {
    return std::isnan(a) || std::isnan(b) ? kNaN : std::fmax(a, b);
}

/// To the nearest multiple; ties go up.
inline double round_to(double value, double multiple) {
    const double inverse = 1 / multiple;
    return std::floor(value * inverse + 0.5) / inverse;
}

}  // namespace mimir::promql
