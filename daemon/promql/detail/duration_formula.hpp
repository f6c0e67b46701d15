#pragma once

#include <string_view>

#include "promql/duration.hpp"

namespace mimir::promql::detail {

enum class Sign : std::uint8_t { positive, any };

/// Seconds as the milliseconds that count; below a nanosecond is rounded, below a millisecond cut off.
std::chrono::milliseconds to_milliseconds(double seconds);

/// False when that many seconds don't fit Prometheus' 64 bits of nanoseconds.
bool is_in_range(double seconds);

bool depends_on_query(const DurationFormula& formula);

/// Errors: invalid, with the position in the query: not positive though it must be, out of range, division by zero.
Result<std::chrono::milliseconds> evaluate(
    const DurationFormula& formula, const QueryWindow& window, Sign allowed, std::string_view query
);

}  // namespace mimir::promql::detail
