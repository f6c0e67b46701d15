#pragma once

// The parameters of Prometheus' HTTP API, from text to values. Errors are of kind invalid, in
// Prometheus' words.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "http/url.hpp"
#include "model/matcher.hpp"

namespace mimir::query_frontend {

/// Unix seconds with decimals, or RFC 3339.
Result<TimestampMs> parse_time(std::string_view text);
/// Seconds with decimals, or a duration such as 1m30s.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The error as that of a named parameter: invalid parameter "start": ...
[[nodiscard]] Error bad_parameter(std::string_view name, Error error);

Result<TimestampMs> time_parameter(const http::Parameters& form, std::string_view name);
/// A missing or empty one gives the default.
Result<TimestampMs> time_parameter(
    const http::Parameters& form, std::string_view name, TimestampMs otherwise
);
Result<std::optional<std::chrono::milliseconds>> duration_parameter(
    const http::Parameters& form, std::string_view name
);
/// step, which must be there and above zero.
Result<std::chrono::milliseconds> step_parameter(const http::Parameters& form);
/// start and end; everything when they are missing.
Result<TimeRange> range_parameters(const http::Parameters& form);
/// limit; 0 when missing.
Result<std::size_t> limit_parameter(const http::Parameters& form);
/// Every match[].
Result<std::vector<model::Matchers>> selector_parameters(const http::Parameters& form);

/// The label name that a path's segment stands for: U__http_2e_status is http.status.
std::string unescape_label_name(std::string_view name);

}  // namespace mimir::query_frontend
