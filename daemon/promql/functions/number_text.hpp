#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mimir::promql {

/// The shortest text that reads back as the number, with an exponent where it is large or small: "12.5", "1e+21", "NaN",
/// "+Inf"; as Go's %g, which annotations and error messages have.
std::string format_general(double value);

/// The shortest text with a point or an exponent, as OpenMetrics has it in labels: "1.0".
std::string format_as_float(double value);

/// Reads a number as Go does: decimal or exponent, "Inf" and "NaN" in any case, an optional sign.
std::optional<double> parse_number(std::string_view text);

}  // namespace mimir::promql
