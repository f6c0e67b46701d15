#pragma once

#include <string>

#include "promql/ast.hpp"

namespace mimir::test {

/// The tree as nested lists, positions left out, so that tests can compare what a query means:
/// tree("a + 1") is (+ a{__name__="a"} 1).
std::string tree(const promql::Expr& expr);

}  // namespace mimir::test
