#pragma once

#include <string>

#include "promql/ast.hpp"

namespace mimir::promql {

/// The expression on one line, in normal form: sum by (a) (x), a + on (x) group_left () b, x{a="b"} offset 5m.
/// Parsed again it gives the same tree, positions apart.
std::string to_string(const Expr& expr);

/// The same, but a part longer than 100 characters is split over lines: arguments and operands indented by two
/// spaces, a binary operator on a line of its own. What format_query answers.
/// Cost: linear in the text.
std::string format_pretty(const Expr& expr);

/// The shortest decimal that reads back as the same value, without an exponent: "0.0000001", "+Inf", "NaN".
std::string format_number(double value);

}  // namespace mimir::promql
