#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "model/matcher.hpp"
#include "promql/ast.hpp"

namespace mimir::promql {

/// What of the language is on, and how large a query may be.
struct ParserOptions {
    bool experimental_functions = false;    ///< Functions and aggregations that may still change.
    bool duration_expressions = false;      ///< foo[2 * step()], offset (1m + 5s)
    bool extended_range_selectors = false;  ///< foo[5m] anchored, foo[5m] smoothed
    bool fill_modifiers = false;            ///< a + fill(0) b
    std::size_t bytes_max = 1 << 20;
    std::uint32_t depth_max = 1000;  ///< Levels of the tree: whoever walks it may recurse.

    static ParserOptions everything() { return {true, true, true, true}; }
};

/// Parses and type-checks a query.
/// Errors:  invalid, in Prometheus' words with the position: "1:5: parse error: unexpected end of
/// input ...". Threads: any. Cost: linear in the text.
Result<ExprPtr> parse_expr(std::string_view query, const ParserOptions& options = {});

/// Parses a lone vector selector without modifiers, as match[] has it.
Result<model::Matchers> parse_metric_selector(std::string_view text);

/// The tree with every formula that uses step() or range() resolved; the same tree when there is
/// none. To be called before evaluation. Errors: invalid, for a range or step that comes out as
/// zero or less, or a division by zero.
Result<ExprPtr> resolve_durations(const ExprPtr& expr, std::string_view query, QueryWindow window);

}  // namespace mimir::promql
