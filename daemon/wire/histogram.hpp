#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/write_request.hpp"

namespace mimir::wire {

/// Reads a `Histogram` message of remote write and read; one with a count_float is a float
/// histogram. Errors: invalid, for malformed bytes. Whether the buckets make sense is for
/// validation to say.
Result<model::HistogramSample> decode_histogram(std::string_view message);

/// Appends the `Histogram` message.
void encode_histogram(const model::HistogramSample& sample, std::string& out);
void encode_histogram(const model::FloatHistogram& histogram, TimestampMs time, std::string& out);

}  // namespace mimir::wire
