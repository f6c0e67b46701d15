#pragma once

// The syntax tree of a query: parsed, type-checked, immutable, and shared by whoever reads it. A
// rewritten query shares the subtrees that stay.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/types.hpp"
#include "model/matcher.hpp"
#include "promql/duration.hpp"
#include "promql/functions/function_table.hpp"
#include "promql/position.hpp"
#include "promql/value_type.hpp"

namespace mimir::promql {

struct Expr;
using ExprPtr = std::shared_ptr<const Expr>;

struct NumberLiteral {
    double value = 0;
    bool is_duration = false;  ///< Written as 5m rather than as 300.
};

struct StringLiteral {
    std::string value;
};

struct Paren {
    ExprPtr expr;
};

enum class UnaryOp : std::uint8_t { plus, minus };

struct Unary {
    UnaryOp op = UnaryOp::plus;
    ExprPtr expr;
};

// clang-format off
enum class BinaryOp : std::uint8_t {
    add, sub, mul, div, mod, pow, atan2,  // arithmetic
    eq, ne, lt, le, gt, ge,               // comparisons
    trim_upper, trim_lower,               // </ and >/, of histograms
    set_and, set_or, set_unless,
};
// clang-format on

std::string_view to_string(BinaryOp op);
constexpr bool is_comparison(BinaryOp op) { return op >= BinaryOp::eq && op <= BinaryOp::ge; }
constexpr bool is_set_operator(BinaryOp op) { return op >= BinaryOp::set_and; }

enum class Cardinality : std::uint8_t { one_to_one, many_to_one, one_to_many, many_to_many };

/// How the elements of two vectors find their partners.
struct VectorMatching {
    Cardinality card = Cardinality::one_to_one;
    bool on = false;  ///< `labels` are those to match on; else those to ignore.
    std::vector<std::string> labels;
    std::vector<std::string>
        include;                      ///< Of group_left or group_right: copied from the "one" side.
    std::optional<double> fill_left;  ///< Stands in for a missing partner on that side.
    std::optional<double> fill_right;
};

struct Binary {
    BinaryOp op = BinaryOp::add;
    bool return_bool = false;
    Span op_span;  ///< Of the operator alone.
    ExprPtr left;
    ExprPtr right;
    std::optional<VectorMatching> matching;  ///< Present when both sides are instant vectors.
};

// clang-format off
enum class AggregateOp : std::uint8_t {
    avg, bottomk, count, count_values, group, limitk, limit_ratio, max, min, quantile, stddev, stdvar, sum, topk,
};
// clang-format on

std::string_view to_string(AggregateOp op);
/// topk, bottomk, limitk, limit_ratio, quantile and count_values take one; count_values' is a
/// string.
constexpr bool takes_parameter(AggregateOp op) {
    using enum AggregateOp;
    return op == topk || op == bottomk || op == limitk || op == limit_ratio || op == quantile ||
           op == count_values;
}

struct Aggregate {
    AggregateOp op = AggregateOp::sum;
    ExprPtr expr;
    ExprPtr parameter;  ///< Null unless takes_parameter(op).
    bool without = false;
    std::vector<std::string> grouping;
};

struct Call {
    FunctionId function{};
    std::vector<ExprPtr> arguments;
};

/// The time of an @ modifier.
struct At {
    enum class Kind : std::uint8_t { time, start, end };
    Kind kind = Kind::time;
    TimestampMs time;  ///< of Kind::time

    bool operator==(const At&) const = default;
};

/// How a range function treats the edges of its window.
enum class RangeEdges : std::uint8_t { plain, anchored, smoothed };

struct VectorSelector {
    std::string name;          ///< As written before the braces; empty when it is quoted in them.
    model::Matchers matchers;  ///< Includes the one for the name.
    Duration offset;
    std::optional<At> at;
    RangeEdges edges = RangeEdges::plain;
};

struct MatrixSelector {
    VectorSelector vector;
    Span vector_span;
    Duration range;
};

struct Subquery {
    ExprPtr expr;
    Duration range;
    std::optional<Duration> step;  ///< Missing: the default evaluation interval.
    Duration offset;
    std::optional<At> at;
};

using Node = std::variant<
    NumberLiteral,
    StringLiteral,
    Paren,
    Unary,
    Binary,
    Aggregate,
    Call,
    VectorSelector,
    MatrixSelector,
    Subquery>;

struct Expr {
    Span span;
    ValueType type = ValueType::scalar;
    /// Levels of nodes from here down, 1 for a leaf: bounded by ParserOptions::depth_max, so that
    /// recursion is safe.
    std::uint32_t depth = 1;
    Node node;

    template <class T>
    [[nodiscard]] const T* as() const {
        return std::get_if<T>(&node);
    }
};

/// The expression without the parentheses round it.
const Expr& strip_parens(const Expr& expr);

/// The direct subexpressions, left to right; an aggregation's parameter comes before its
/// expression.
std::vector<ExprPtr> children(const Node& node);
inline std::vector<ExprPtr> children(const Expr& expr) { return children(expr.node); }

}  // namespace mimir::promql
