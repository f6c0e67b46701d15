#include "promql/engine/planner.hpp"

#include <algorithm>

#include "promql/engine/aggregation.hpp"
#include "promql/engine/count_values.hpp"
#include "promql/engine/distinct_series.hpp"
#include "promql/engine/scalars.hpp"
#include "promql/engine/selection_aggregations.hpp"
#include "promql/engine/set_operations.hpp"
#include "promql/engine/step_invariant.hpp"
#include "promql/engine/subquery.hpp"
#include "promql/engine/vector_matching.hpp"
#include "promql/engine/vector_scalar.hpp"
#include "promql/errors.hpp"

namespace mimir::promql::engine {

namespace {

tl::unexpected<Error> not_built(std::string_view feature) {
    return fail_with_id(ErrorKind::invalid, kNotBuilt, "not built: {}", feature);
}

std::string_view name_of(RangeEdges edges) {
    return edges == RangeEdges::anchored ? "the anchored modifier" : "the smoothed modifier";
}

bool is_trim(BinaryOp op) { return op == BinaryOp::trim_upper || op == BinaryOp::trim_lower; }

/// Beyond it there is no data; below it times, offsets and ranges can be added up.
std::int64_t within_reach(std::int64_t ms) { return std::clamp(ms, -kTimeReach, kTimeReach); }

LabelSubset kept_labels(const Aggregate& aggregate) {
    return {
        aggregate.without ? LabelSubset::Kind::all_but : LabelSubset::Kind::only, aggregate.grouping
    };
}

}  // namespace

const std::string& string_argument(const Expr& expr) {
    return strip_parens(expr).as<StringLiteral>()->value;
}

Result<VectorOperatorPtr> Planner::vector(const Expr& expr, Steps steps) {
    if (steps.count == 1 || !is_step_invariant(expr)) return vector_of(expr, steps);
    MIMIR_TRY(auto once, vector_of(expr, steps.first_only()));
    return std::make_unique<StepInvariant>(steps, std::move(once));
}

Result<VectorOperatorPtr> Planner::vector_of(const Expr& expr, Steps steps) {
    if (const auto* paren = expr.as<Paren>()) return vector_of(*paren->expr, steps);
    if (const auto* leaf = expr.as<VectorSelector>()) {
        return selector(*leaf, steps, InstantSelector::Yield::value);
    }
    if (const auto* unary = expr.as<Unary>()) {
        MIMIR_TRY(auto input, vector(*unary->expr, steps));
        if (unary->op == UnaryOp::plus) return input;
        return settle(std::make_unique<Negation>(std::move(input)), steps);
    }
    if (expr.as<Binary>() != nullptr) return binary(expr, steps);
    if (const auto* node = expr.as<Aggregate>()) return aggregate(*node, steps);
    return call(expr, steps);
}

VectorOperatorPtr Planner::settle(VectorOperatorPtr input, Steps steps) {
    if (context_.options.delayed_name_removal) return input;
    // Labels that would tell series apart may be missing.
    const auto names = projection_ ? DistinctSeries::Names::drop_only : DistinctSeries::Names::drop;
    return std::make_unique<DistinctSeries>(context_, steps, std::move(input), names);
}

VectorOperatorPtr Planner::merge(VectorOperatorPtr input, Steps steps) {
    return std::make_unique<DistinctSeries>(
        context_,
        steps,
        std::move(input),
        context_.options.delayed_name_removal ? DistinctSeries::Names::keep
                                              : DistinctSeries::Names::drop
    );
}

Reference Planner::reference(const std::optional<At>& at, const Duration& offset) const {
    Reference reference{.offset = within_reach(offset.value.count())};
    if (!at) return reference;
    reference.fixed = true;
    const TimestampMs time = at->kind == At::Kind::start ? context_.query.start
                             : at->kind == At::Kind::end ? context_.query.end
                                                         : at->time;
    reference.time = within_reach(time.ms);
    return reference;
}

Result<VectorOperatorPtr> Planner::selector(
    const VectorSelector& selector, Steps steps, InstantSelector::Yield yield
) {
    if (selector.edges != RangeEdges::plain) return not_built(name_of(selector.edges));
    auto op = std::make_unique<InstantSelector>(
        context_,
        steps,
        Selection{selector.matchers, reference(selector.at, selector.offset), projection_},
        yield
    );
    if (yield == InstantSelector::Yield::time) return settle(std::move(op), steps);
    return op;
}

Result<RangeOperatorPtr> Planner::range(const Expr& expr, Steps steps) {
    const Expr& inner = strip_parens(expr);
    if (const auto* node = inner.as<Subquery>()) return subquery(*node, steps);
    const auto& matrix = *inner.as<MatrixSelector>();
    const auto& selector = matrix.vector;
    if (selector.edges != RangeEdges::plain) return not_built(name_of(selector.edges));
    return std::make_unique<RangeSelector>(
        context_,
        steps,
        Selection{selector.matchers, reference(selector.at, selector.offset), projection_},
        within_reach(matrix.range.value.count())
    );
}

Result<RangeOperatorPtr> Planner::subquery(const Subquery& subquery, Steps steps) {
    const RangeWindows windows{
        reference(subquery.at, subquery.offset), within_reach(subquery.range.value.count())
    };
    const auto interval = subquery.step ? subquery.step->value : context_.options.default_interval;
    const Steps inner = SubqueryRange::inner_steps(steps, windows, interval.count());
    MIMIR_TRY(context_.budget.check_size(static_cast<double>(inner.count)));
    // Without inner steps nothing is read; the input is made for its labels' sake.
    Steps planned = inner;
    planned.count = std::max<std::size_t>(1, inner.count);
    MIMIR_TRY(auto input, vector(*subquery.expr, planned));
    return std::make_unique<SubqueryRange>(context_, inner, std::move(input), windows);
}

Result<VectorOperatorPtr> Planner::binary(const Expr& expr, Steps steps) {
    const auto& node = *expr.as<Binary>();
    if (is_trim(node.op)) {
        return not_built(fmt::format("the operator {}", to_string(node.op)));
    }
    if (node.matching) return vector_binary(expr, steps);
    const bool scalar_left = node.left->type == ValueType::scalar;
    MIMIR_TRY(auto input, vector(scalar_left ? *node.right : *node.left, steps));
    MIMIR_TRY(auto number, scalar(scalar_left ? *node.left : *node.right, steps));
    auto op = std::make_unique<VectorScalarOperation>(
        context_,
        Operation{node.op, node.return_bool},
        expr.span,
        std::move(input),
        std::move(number),
        scalar_left ? VectorScalarOperation::ScalarSide::left
                    : VectorScalarOperation::ScalarSide::right
    );
    return settle(std::move(op), steps);
}

Result<VectorOperatorPtr> Planner::vector_binary(const Expr& expr, Steps steps) {
    const auto& node = *expr.as<Binary>();
    MIMIR_TRY(auto left, vector(*node.left, steps));
    MIMIR_TRY(auto right, vector(*node.right, steps));
    auto signature = matched_labels(*node.matching);
    if (node.op == BinaryOp::set_or) {
        return merge(
            std::make_unique<Union>(
                context_, steps, std::move(left), std::move(right), std::move(signature)
            ),
            steps
        );
    }
    if (is_set_operator(node.op)) {
        return std::make_unique<Intersection>(
            context_,
            steps,
            std::move(left),
            std::move(right),
            std::move(signature),
            node.op == BinaryOp::set_and ? Intersection::Keep::with_partner
                                         : Intersection::Keep::without_partner
        );
    }
    return merge(
        std::make_unique<VectorMatch>(
            context_,
            steps,
            std::move(left),
            std::move(right),
            VectorMatch::Call{Operation{node.op, node.return_bool}, expr.span, *node.matching}
        ),
        steps
    );
}

Result<VectorOperatorPtr> Planner::aggregate(const Aggregate& aggregate, Steps steps) {
    const auto outer = std::exchange(projection_, projected_labels(aggregate));
    auto planned = vector(*aggregate.expr, steps);
    projection_ = outer;
    MIMIR_TRY(auto input, std::move(planned));
    if (aggregate.op == AggregateOp::count_values) {
        return std::make_unique<CountValues>(
            context_, steps, std::move(input), aggregate, string_argument(*aggregate.parameter)
        );
    }
    ScalarOperatorPtr parameter;
    Span parameter_span;
    if (aggregate.parameter != nullptr) {
        MIMIR_TRY(parameter, scalar(*aggregate.parameter, steps));
        parameter_span = aggregate.parameter->span;
    }
    auto kept = kept_labels(aggregate);
    const Span input_span = aggregate.expr->span;
    switch (aggregate.op) {
        case AggregateOp::topk:
        case AggregateOp::bottomk:
            return std::make_unique<TopK>(
                context_,
                steps,
                std::move(input),
                std::move(kept),
                TopK::Call{
                    aggregate.op == AggregateOp::topk ? TopK::Best::highest : TopK::Best::lowest,
                    std::move(parameter),
                    input_span
                }
            );
        case AggregateOp::limitk:
            return std::make_unique<LimitK>(
                steps, std::move(input), std::move(kept), std::move(parameter)
            );
        case AggregateOp::limit_ratio:
            return std::make_unique<LimitRatio>(
                context_, std::move(input), std::move(parameter), parameter_span
            );
        default:
            return std::make_unique<Aggregation>(
                context_,
                steps,
                std::move(input),
                std::move(kept),
                Aggregation::Call{aggregate.op, std::move(parameter), parameter_span, input_span}
            );
    }
}

Result<ScalarOperatorPtr> Planner::scalar(const Expr& expr, Steps steps) {
    // Its series are its own.
    const auto outer = std::exchange(projection_, std::nullopt);
    auto planned = scalar_of(expr, steps);
    projection_ = outer;
    return planned;
}

Result<ScalarOperatorPtr> Planner::scalar_of(const Expr& expr, Steps steps) {
    if (const auto* number = expr.as<NumberLiteral>()) {
        return std::make_unique<ConstantScalar>(steps, number->value);
    }
    if (const auto* paren = expr.as<Paren>()) return scalar(*paren->expr, steps);
    if (const auto* unary = expr.as<Unary>()) {
        MIMIR_TRY(auto input, scalar(*unary->expr, steps));
        if (unary->op == UnaryOp::plus) return input;
        return std::make_unique<ScalarArithmetic>(
            scalar_function(BinaryOp::mul),
            std::make_unique<ConstantScalar>(steps, -1),
            std::move(input)
        );
    }
    if (const auto* node = expr.as<Binary>()) {
        if (is_trim(node->op)) {
            return not_built(fmt::format("the operator {}", to_string(node->op)));
        }
        MIMIR_TRY(auto left, scalar(*node->left, steps));
        MIMIR_TRY(auto right, scalar(*node->right, steps));
        return std::make_unique<ScalarArithmetic>(
            scalar_function(node->op), std::move(left), std::move(right)
        );
    }
    return scalar_call(*expr.as<Call>(), steps);
}

Result<std::vector<ScalarOperatorPtr>> Planner::scalars(
    std::span<const ExprPtr> exprs, Steps steps
) {
    std::vector<ScalarOperatorPtr> operators;
    for (const auto& expr : exprs) {
        MIMIR_TRY(auto op, scalar(*expr, steps));
        operators.push_back(std::move(op));
    }
    return operators;
}

}  // namespace mimir::promql::engine
