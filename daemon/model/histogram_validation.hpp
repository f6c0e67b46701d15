#pragma once

#include "base/result.hpp"
#include "model/histogram.hpp"

namespace mimir::model {

/// Whether a histogram is in order: its spans tell as many buckets as there are, no count is negative, and the counts
/// add up. What walks over buckets relies on it.
/// Errors: invalid, with Mimir's ids (invalid-native-histogram-schema, native-histogram-...).
/// Source: behaviour of Prometheus model/histogram, Validate.
Result<void> validate(const Histogram& histogram);
Result<void> validate(const FloatHistogram& histogram);

}  // namespace mimir::model
