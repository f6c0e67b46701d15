#include "promql/engine/projection.hpp"

#include <algorithm>

#include "model/labels.hpp"
#include "promql/functions/maths.hpp"
#include "promql/functions/range_function.hpp"

namespace mimir::promql::engine {

namespace {

/// What lies between an aggregation and a selector.
struct Path {
    const VectorSelector* selector = nullptr;
    bool drops_name = false;
};

std::optional<Path> path_of(const Expr& expr);

std::optional<Path> path_that_drops_name(const Expr& expr) {
    auto path = path_of(expr);
    if (path) path->drops_name = true;
    return path;
}

/// Works on each series alone, whatever its labels are.
bool is_of_each_series(FunctionId id) {
    switch (id) {
        case FunctionId::absent_over_time: return false;
        case FunctionId::clamp:
        case FunctionId::clamp_max:
        case FunctionId::clamp_min:
        case FunctionId::round:
        case FunctionId::timestamp: return true;
        default: return range_function(id) != nullptr || row_function(id) != nullptr;
    }
}

std::optional<Path> path_of_call(const Call& call) {
    if (!is_of_each_series(call.function)) return std::nullopt;
    for (const ExprPtr& argument : call.arguments) {
        const bool has_series =
            argument->type == ValueType::vector || argument->type == ValueType::matrix;
        if (has_series) return path_that_drops_name(*argument);
    }
    return std::nullopt;
}

std::optional<Path> path_of_binary(const Binary& binary) {
    if (binary.matching) return std::nullopt;
    const bool scalar_left = binary.left->type == ValueType::scalar;
    return path_that_drops_name(scalar_left ? *binary.right : *binary.left);
}

std::optional<Path> path_of(const Expr& expr) {
    if (const auto* leaf = expr.as<VectorSelector>()) return Path{leaf};
    if (const auto* leaf = expr.as<MatrixSelector>()) return Path{&leaf->vector};
    if (const auto* paren = expr.as<Paren>()) return path_of(*paren->expr);
    if (const auto* subquery = expr.as<Subquery>()) return path_of(*subquery->expr);
    if (const auto* unary = expr.as<Unary>()) return path_that_drops_name(*unary->expr);
    if (const auto* binary = expr.as<Binary>()) return path_of_binary(*binary);
    if (const auto* call = expr.as<Call>()) return path_of_call(*call);
    return std::nullopt;
}

bool has_one_name(const VectorSelector& selector) {
    return std::ranges::any_of(selector.matchers, [](const model::Matcher& matcher) {
        return matcher.type() == model::MatchType::equal && matcher.name() == model::kMetricName &&
               !matcher.value().empty();
    });
}

bool passes_labels_on(AggregateOp op) {
    using enum AggregateOp;
    return op == topk || op == bottomk || op == limitk || op == limit_ratio;
}

}  // namespace

std::optional<model::LabelProjection> projected_labels(const Aggregate& aggregate) {
    if (aggregate.without || passes_labels_on(aggregate.op)) return std::nullopt;
    const auto path = path_of(*aggregate.expr);
    if (!path || path->selector == nullptr) return std::nullopt;
    // Else dropping it may make two series equal, which is an error.
    if (path->drops_name && !has_one_name(*path->selector)) return std::nullopt;
    auto names = aggregate.grouping;
    names.emplace_back(model::kMetricName);
    return model::LabelProjection(std::move(names));
}

}  // namespace mimir::promql::engine
