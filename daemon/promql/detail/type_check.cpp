#include "promql/detail/type_check.hpp"

#include <algorithm>

#include "promql/detail/parse_error.hpp"
#include "promql/quote.hpp"

namespace mimir::promql::detail {
namespace {

bool is_number_like(ValueType type) {
    return type == ValueType::scalar || type == ValueType::vector;
}

class Checker {
  public:
    explicit Checker(std::string_view query) : query_(query) {}

    // NOLINTBEGIN(misc-no-recursion): the parser bounds the depth
    Result<void> check(const Expr& expr) const {
        return std::visit([&](const auto& node) { return check(expr, node); }, expr.node);
    }

  private:
    Result<void> check(const Expr&, const NumberLiteral&) const { return {}; }
    Result<void> check(const Expr&, const StringLiteral&) const { return {}; }
    Result<void> check(const Expr&, const Paren& paren) const { return check(*paren.expr); }

    Result<void> check(const Expr& expr, const Unary& unary) const {
        MIMIR_TRY(check(*unary.expr));
        if (is_number_like(unary.expr->type)) return {};
        return error(
            expr.span,
            "unary expression only allowed on expressions of type scalar or instant vector, got {}",
            quote(describe(unary.expr->type))
        );
    }

    Result<void> check(const Expr& expr, const Binary& binary) const {
        MIMIR_TRY(check(*binary.left));
        MIMIR_TRY(check(*binary.right));
        MIMIR_TRY(check_operator(binary));
        for (const Expr* side : {binary.left.get(), binary.right.get()}) {
            if (!is_number_like(side->type)) {
                return error(
                    side->span,
                    "binary expression must contain only scalar and instant vector types"
                );
            }
        }
        const bool vectors =
            binary.left->type == ValueType::vector && binary.right->type == ValueType::vector;
        if (!vectors) return check_scalar_operand(expr, binary);
        if (is_set_operator(binary.op)) return check_set_operation(expr, binary);
        return {};
    }

    Result<void> check_operator(const Binary& binary) const {
        if (binary.return_bool && !is_comparison(binary.op)) {
            return error(binary.op_span, "bool modifier can only be used on comparison operators");
        }
        const bool scalars =
            binary.left->type == ValueType::scalar && binary.right->type == ValueType::scalar;
        if (is_comparison(binary.op) && !binary.return_bool && scalars) {
            return error(binary.op_span, "comparisons between scalars must use BOOL modifier");
        }
        if (!binary.matching || !binary.matching->on) return {};
        for (const std::string& label : binary.matching->labels) {
            if (std::ranges::count(binary.matching->include, label) > 0) {
                return error(
                    binary.op_span,
                    "label {} must not occur in ON and GROUP clause at once",
                    quote(label)
                );
            }
        }
        return {};
    }

    /// The parser keeps the matching of such an operation only when it says something.
    Result<void> check_scalar_operand(const Expr& expr, const Binary& binary) const {
        if (binary.matching && !binary.matching->labels.empty()) {
            return error(expr.span, "vector matching only allowed between instant vectors");
        }
        if (binary.matching) {
            return error(
                expr.span, "filling in missing series only allowed between instant vectors"
            );
        }
        if (!is_set_operator(binary.op)) return {};
        return error(
            expr.span,
            "set operator {} not allowed in binary scalar expression",
            quote(to_string(binary.op))
        );
    }

    Result<void> check_set_operation(const Expr& expr, const Binary& binary) const {
        if (binary.matching->card != Cardinality::many_to_many) {
            return error(
                expr.span, "no grouping allowed for {} operation", quote(to_string(binary.op))
            );
        }
        if (binary.matching->fill_left || binary.matching->fill_right) {
            return error(expr.span, "filling in missing series not allowed for set operators");
        }
        return {};
    }

    Result<void> check(const Expr&, const Aggregate& aggregate) const {
        MIMIR_TRY(expect(*aggregate.expr, ValueType::vector, "aggregation expression"));
        if (!aggregate.parameter) return {};
        const bool text = aggregate.op == AggregateOp::count_values;
        return expect(
            *aggregate.parameter,
            text ? ValueType::string : ValueType::scalar,
            "aggregation parameter"
        );
    }

    Result<void> check(const Expr& expr, const Call& call) const {
        const Function& callee = function(call.function);
        MIMIR_TRY(check_argument_count(expr, call, callee));
        const std::string context = "call to function " + quote(callee.name);
        for (std::size_t i = 0; i < call.arguments.size(); ++i) {
            const Expr& argument = *call.arguments[i];
            if (callee.id == FunctionId::info && i == 1) {
                MIMIR_TRY(check_info_selector(argument));
            } else {
                MIMIR_TRY(expect(argument, callee.argument_type(i), context));
            }
        }
        return {};
    }

    Result<void> check_argument_count(const Expr& expr, const Call& call, const Function& callee)
        const {
        const std::size_t count = call.arguments.size();
        const bool fixed = callee.arguments_min == callee.arguments_max;
        const bool few = count < callee.arguments_min;
        const bool many = callee.arguments_max != kAnyNumber && count > callee.arguments_max;
        if (!few && !many) return {};
        return error(
            expr.span,
            "expected {}{} argument(s) in call to {}, got {}",
            fixed ? ""
            : few ? "at least "
                  : "at most ",
            few ? callee.arguments_min : callee.arguments_max,
            quote(callee.name),
            count
        );
    }

    /// info()'s second argument is a list of matchers, not a selection: it may match everything.
    Result<void> check_info_selector(const Expr& argument) const {
        const auto* selector = argument.as<VectorSelector>();
        if (selector == nullptr) return error(argument.span, "expected label selectors only");
        if (selector->name.empty()) return {};
        return error(argument.span, "expected label selectors only, got vector selector instead");
    }

    Result<void> check(const Expr& expr, const VectorSelector& selector) const {
        if (selector.name.empty()) {
            const bool selective =
                std::ranges::any_of(selector.matchers, [](const model::Matcher& matcher) {
                    return !matcher.matches_empty();
                });
            if (selective) return {};
            return error(expr.span, "vector selector must contain at least one non-empty matcher");
        }
        // The last matcher is the one for the name before the braces.
        for (const model::Matcher& matcher :
             std::span(selector.matchers).first(selector.matchers.size() - 1)) {
            if (matcher.name() != model::kMetricName) continue;
            return error(
                expr.span,
                "metric name must not be set twice: {} or {}",
                quote(selector.name),
                quote(matcher.value())
            );
        }
        return {};
    }

    Result<void> check(const Expr&, const MatrixSelector& matrix) const {
        return check(Expr{.span = matrix.vector_span, .node = {}}, matrix.vector);
    }

    Result<void> check(const Expr& expr, const Subquery& subquery) const {
        MIMIR_TRY(check(*subquery.expr));
        if (subquery.expr->type == ValueType::vector) return {};
        return error(
            expr.span,
            "subquery is only allowed on instant vector, got {} instead",
            to_string(subquery.expr->type)
        );
    }

    Result<void> expect(const Expr& expr, ValueType wanted, std::string_view context) const {
        MIMIR_TRY(check(expr));
        if (expr.type == wanted) return {};
        return error(
            expr.span,
            "expected type {} in {}, got {}",
            describe(wanted),
            context,
            describe(expr.type)
        );
    }
    // NOLINTEND(misc-no-recursion)

    template <class... Args>
    tl::unexpected<Error> error(Span span, fmt::format_string<Args...> message, Args&&... args)
        const {
        return parse_error(query_, span, fmt::format(message, std::forward<Args>(args)...));
    }

    std::string_view query_;
};

}  // namespace

Result<void> check_types(const Expr& expr, std::string_view query) {
    return Checker(query).check(expr);
}

}  // namespace mimir::promql::detail
