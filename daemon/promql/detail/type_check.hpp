#pragma once

#include <string_view>

#include "promql/ast.hpp"

namespace mimir::promql::detail {

/// What the grammar lets pass and the language does not: wrong types, wrong numbers of arguments, selectors of everything.
/// Errors: invalid, the first one in reading order of the innermost expressions.
Result<void> check_types(const Expr& expr, std::string_view query);

}  // namespace mimir::promql::detail
