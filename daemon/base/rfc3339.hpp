#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/types.hpp"

namespace mimir {

/// "2026-11-23T08:46:24.123Z"; beyond the years of four digits "<n> ms".
std::string format_rfc3339(TimestampMs time);

/// Reads "2026-11-23T08:46:24.123+01:00"; fractions are rounded to milliseconds. Nothing when it is no such time.
std::optional<TimestampMs> parse_rfc3339(std::string_view text);

}  // namespace mimir
