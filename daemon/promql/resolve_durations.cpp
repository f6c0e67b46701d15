#include <utility>

#include "promql/detail/duration_formula.hpp"
#include "promql/parser.hpp"

// NOLINTBEGIN(misc-no-recursion): the parser bounds the depth

namespace mimir::promql {
namespace {

using detail::Sign;

class Resolver {
  public:
    Resolver(std::string_view query, QueryWindow window) : query_(query), window_(window) {}

    /// The same tree when nothing in it depends on the query.
    Result<ExprPtr> resolve(const ExprPtr& expr) const {
        Node node = expr->node;
        MIMIR_TRY(
            const bool changed, std::visit([this](auto& inner) { return resolve(inner); }, node)
        );
        if (!changed) return expr;
        return std::make_shared<const Expr>(expr->span, expr->type, expr->depth, std::move(node));
    }

  private:
    // Each returns whether it changed the node.
    Result<bool> resolve(NumberLiteral&) const { return false; }
    Result<bool> resolve(StringLiteral&) const { return false; }
    Result<bool> resolve(Paren& paren) const { return replace(paren.expr); }
    Result<bool> resolve(Unary& unary) const { return replace(unary.expr); }
    Result<bool> resolve(Binary& binary) const {
        MIMIR_TRY(const bool left, replace(binary.left));
        MIMIR_TRY(const bool right, replace(binary.right));
        return left || right;
    }
    Result<bool> resolve(Aggregate& aggregate) const {
        MIMIR_TRY(const bool parameter, replace(aggregate.parameter));
        MIMIR_TRY(const bool expr, replace(aggregate.expr));
        return parameter || expr;
    }
    Result<bool> resolve(Call& call) const {
        bool changed = false;
        for (ExprPtr& argument : call.arguments) {
            MIMIR_TRY(const bool one, replace(argument));
            changed = changed || one;
        }
        return changed;
    }
    Result<bool> resolve(VectorSelector& selector) const {
        return settle(selector.offset, Sign::any);
    }
    Result<bool> resolve(MatrixSelector& matrix) const {
        MIMIR_TRY(const bool offset, settle(matrix.vector.offset, Sign::any));
        MIMIR_TRY(const bool range, settle(matrix.range, Sign::positive));
        return offset || range;
    }
    Result<bool> resolve(Subquery& subquery) const {
        MIMIR_TRY(const bool inner, replace(subquery.expr));
        MIMIR_TRY(const bool offset, settle(subquery.offset, Sign::any));
        MIMIR_TRY(const bool range, settle(subquery.range, Sign::positive));
        bool step = false;
        if (subquery.step) {
            MIMIR_TRY(step, settle(*subquery.step, Sign::positive));
        }
        return inner || offset || range || step;
    }

    Result<bool> replace(ExprPtr& child) const {
        if (!child) return false;
        MIMIR_TRY(ExprPtr resolved, resolve(child));
        const bool changed = resolved != child;
        child = std::move(resolved);
        return changed;
    }

    Result<bool> settle(Duration& duration, Sign allowed) const {
        if (!duration.depends_on_query) return false;
        MIMIR_TRY(duration.value, evaluate(*duration.formula, window_, allowed, query_));
        duration.depends_on_query = false;
        return true;
    }

    std::string_view query_;
    QueryWindow window_;
};

}  // namespace

Result<ExprPtr> resolve_durations(const ExprPtr& expr, std::string_view query, QueryWindow window) {
    return Resolver(query, window).resolve(expr);
}

}  // namespace mimir::promql

// NOLINTEND(misc-no-recursion)
