#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace mimir {

/// Reads Go's notation of a duration ("1h30m", "1.5s", "250ms", "0"), and also days, weeks and
/// years of 24 hours, 7 and 365 days ("7d", "1w", "1y"). Errors: invalid (no unit, unknown unit,
/// more than 292 years).
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// The shortest notation that parse_duration reads back: "2h", "1m30s", "1.5ms", "7d", "0s".
std::string format_duration(std::chrono::nanoseconds duration);

/// Reads a size: a number of bytes, or with a unit of 1024 (KiB, MiB, GiB, TiB, or just K, M, G, T)
/// or 1000 (KB, MB, GB, TB). Errors: invalid (negative, unknown unit, beyond 64 bits).
Result<std::uint64_t> parse_bytes(std::string_view text);

/// For people: "100 MiB", "1.5 GiB", "17 B".
std::string format_bytes(std::uint64_t bytes);

}  // namespace mimir
