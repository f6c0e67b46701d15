#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/labels.hpp"
#include "model/sample.hpp"

namespace mimir::ctl {

/// A line of `mimirctl push`.
struct SampleLine {
    model::Labels labels;
    model::Sample sample;
};

/// Reads `name{label="value",...} value [milliseconds since 1970]`. In values \\, \" and \n are escapes.
/// A line without a time gets `now`.
/// Errors: invalid, saying what was expected where.
Result<SampleLine> parse_sample_line(std::string_view line, TimestampMs now);

}  // namespace mimir::ctl
