#pragma once

#include <vector>

#include "conformance/series_notation.hpp"

namespace mimir::conformance {

/// The native form, with custom buckets, of the classic histograms among the series: of x_bucket, x_sum and x_count the
/// histograms x.
/// Errors: invalid, when cumulative counts go down.
Result<std::vector<SeriesLine>> to_native_histograms(const std::vector<SeriesLine>& series);

}  // namespace mimir::conformance
