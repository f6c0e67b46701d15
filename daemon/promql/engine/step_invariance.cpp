#include <algorithm>

#include "promql/engine/planner.hpp"

namespace mimir::promql::engine {

namespace {

/// Functions whose value depends on the time of the step even when their arguments' don't.
bool asks_for_time(const Call& call) {
    switch (call.function) {
        case FunctionId::time:
        case FunctionId::timestamp:
        case FunctionId::predict_linear:
        case FunctionId::minute:
        case FunctionId::hour:
        case FunctionId::day_of_week:
        case FunctionId::day_of_month:
        case FunctionId::day_of_year:
        case FunctionId::days_in_month:
        case FunctionId::month:
        case FunctionId::year: return true;
        default: return false;
    }
}

}  // namespace

bool is_step_invariant(const Expr& expr) {
    if (const auto* selector = expr.as<VectorSelector>()) return selector->at.has_value();
    if (const auto* selector = expr.as<MatrixSelector>()) return selector->vector.at.has_value();
    if (const auto* subquery = expr.as<Subquery>()) return subquery->at.has_value();
    if (const auto* call = expr.as<Call>(); call != nullptr && asks_for_time(*call)) return false;
    return std::ranges::all_of(children(expr), [](const auto& child) {
        return is_step_invariant(*child);
    });
}

}  // namespace mimir::promql::engine
