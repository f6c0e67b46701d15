#include <numbers>

#include "promql/engine/absent.hpp"
#include "promql/engine/distinct_series.hpp"
#include "promql/engine/histogram_estimates.hpp"
#include "promql/engine/instant_functions.hpp"
#include "promql/engine/label_calls.hpp"
#include "promql/engine/planner.hpp"
#include "promql/engine/range_functions.hpp"
#include "promql/engine/scalars.hpp"
#include "promql/engine/sort.hpp"
#include "promql/errors.hpp"

namespace mimir::promql::engine {

namespace {

double seconds(std::int64_t ms) { return static_cast<double>(ms) / 1000; }

tl::unexpected<Error> not_built(FunctionId id) {
    return fail_with_id(ErrorKind::invalid, kNotBuilt, "not built: {}()", function(id).name);
}

/// The vector that a function of dates is about when it has no argument.
VectorOperatorPtr vector_of_time(Steps steps) {
    return std::make_unique<VectorOfScalar>(steps, std::make_unique<TimeScalar>(steps));
}

}  // namespace

Result<VectorOperatorPtr> Planner::call(const Expr& expr, Steps steps) {
    const auto& call = *expr.as<Call>();
    const auto& arguments = call.arguments;
    switch (call.function) {
        case FunctionId::vector: {
            MIMIR_TRY(auto input, scalar(*arguments[0], steps));
            return std::make_unique<VectorOfScalar>(steps, std::move(input));
        }
        case FunctionId::timestamp: return timestamp_call(*arguments[0], steps);
        case FunctionId::absent:
        case FunctionId::absent_over_time: return absent_call(call, steps);
        case FunctionId::label_replace:
        case FunctionId::label_join: return label_call(call, steps);
        case FunctionId::sort:
        case FunctionId::sort_desc:
        case FunctionId::sort_by_label:
        case FunctionId::sort_by_label_desc: return sort_call(expr, steps);
        case FunctionId::histogram_quantile:
        case FunctionId::histogram_quantiles:
        case FunctionId::histogram_fraction: return histogram_estimate(call, steps);
        case FunctionId::clamp:
        case FunctionId::clamp_max:
        case FunctionId::clamp_min:
        case FunctionId::round: {
            MIMIR_TRY(auto input, vector(*arguments[0], steps));
            MIMIR_TRY(auto parameters, scalars(std::span(arguments).subspan(1), steps));
            return settle(
                std::make_unique<BoundedCall>(
                    std::move(input), call.function, std::move(parameters)
                ),
                steps
            );
        }
        default: break;
    }
    if (range_function(call.function) != nullptr) return range_call(call, steps);
    if (const auto maths = row_function(call.function)) {
        VectorOperatorPtr input = vector_of_time(steps);
        if (!arguments.empty()) {
            MIMIR_TRY(input, vector(*arguments[0], steps));
        }
        return settle(std::make_unique<MathsCall>(std::move(input), maths), steps);
    }
    if (const auto of_histogram = histogram_function(call.function)) {
        MIMIR_TRY(auto input, vector(*arguments[0], steps));
        return settle(std::make_unique<HistogramCall>(std::move(input), of_histogram), steps);
    }
    return not_built(call.function);
}

Result<VectorOperatorPtr> Planner::range_call(const Call& call, Steps steps) {
    std::vector<ExprPtr> parameters;
    ExprPtr windows;
    for (const auto& argument : call.arguments) {
        if (argument->type == ValueType::matrix) {
            windows = argument;
        } else {
            parameters.push_back(argument);
        }
    }
    MIMIR_TRY(auto input, range(*windows, steps));
    MIMIR_TRY(auto numbers, scalars(parameters, steps));
    return settle(
        std::make_unique<RangeFunctionCall>(
            context_,
            steps,
            std::move(input),
            RangeFunctionCall::Call{
                call.function,
                windows->span,
                std::move(numbers),
                parameters.empty() ? Span() : parameters[0]->span
            }
        ),
        steps
    );
}

Result<VectorOperatorPtr> Planner::timestamp_call(const Expr& argument, Steps steps) {
    const Expr& inner = strip_parens(argument);
    if (const auto* leaf = inner.as<VectorSelector>()) {
        return selector(*leaf, steps, InstantSelector::Yield::time);
    }
    MIMIR_TRY(auto input, vector(inner, steps));
    return settle(std::make_unique<StepTimeCall>(steps, std::move(input)), steps);
}

Result<VectorOperatorPtr> Planner::absent_call(const Call& call, Steps steps) {
    const Expr& argument = strip_parens(*call.arguments[0]);
    model::Labels labels;
    if (const auto* leaf = argument.as<VectorSelector>()) labels = absent_labels(leaf->matchers);
    if (const auto* leaf = argument.as<MatrixSelector>()) {
        labels = absent_labels(leaf->vector.matchers);
    }
    VectorOperatorPtr input;
    if (call.function == FunctionId::absent) {
        MIMIR_TRY(input, vector(argument, steps));
    } else {
        MIMIR_TRY(auto windows, range(argument, steps));
        input = std::make_unique<RangeFunctionCall>(
            context_,
            steps,
            std::move(windows),
            RangeFunctionCall::Call{FunctionId::present_over_time, argument.span, {}, {}}
        );
    }
    return std::make_unique<Absent>(steps, std::move(input), std::move(labels));
}

Result<VectorOperatorPtr> Planner::label_call(const Call& call, Steps steps) {
    const auto text = [&](std::size_t i) { return string_argument(*call.arguments[i]); };
    std::unique_ptr<LabelFunction> function;
    if (call.function == FunctionId::label_replace) {
        MIMIR_TRY(function, make_label_replace({text(1), text(2), text(3), text(4)}));
    } else {
        LabelJoin join{.destination = text(1), .separator = text(2), .sources = {}};
        for (std::size_t i = 3; i < call.arguments.size(); ++i) join.sources.push_back(text(i));
        MIMIR_TRY(function, make_label_join(std::move(join)));
    }
    MIMIR_TRY(auto input, vector(*call.arguments[0], steps));
    return merge(std::make_unique<LabelCall>(std::move(input), std::move(function)), steps);
}

Result<VectorOperatorPtr> Planner::sort_call(const Expr& expr, Steps steps) {
    const auto& call = *expr.as<Call>();
    MIMIR_TRY(auto input, vector(*call.arguments[0], steps));
    const bool by_label = call.function == FunctionId::sort_by_label ||
                          call.function == FunctionId::sort_by_label_desc;
    const bool descending =
        call.function == FunctionId::sort_desc || call.function == FunctionId::sort_by_label_desc;
    const auto order = descending ? SortByValue::Order::descending : SortByValue::Order::ascending;
    if (!context_.query.is_instant() || steps.count != 1) {
        context_.annotator.warn(
            "sort is ineffective for range queries since results are always ordered by labels",
            expr.span
        );
        if (by_label) return input;
        // What sorting by value leaves out is left out here, too.
        return std::make_unique<FloatsOnly>(std::move(input));
    }
    if (!by_label) return std::make_unique<SortByValue>(context_, std::move(input), order);
    std::vector<std::string> labels;
    for (std::size_t i = 1; i < call.arguments.size(); ++i) {
        labels.push_back(string_argument(*call.arguments[i]));
    }
    return std::make_unique<SortByLabel>(context_, std::move(input), std::move(labels), order);
}

Result<VectorOperatorPtr> Planner::histogram_estimate(const Call& call, Steps steps) {
    const auto arguments = std::span(call.arguments);
    const bool labelled = call.function == FunctionId::histogram_quantiles;
    const Expr& input_expr = labelled ? *arguments.front() : *arguments.back();
    const auto numbers = labelled ? arguments.subspan(2) : arguments.first(arguments.size() - 1);
    MIMIR_TRY(auto input, vector(input_expr, steps));
    MIMIR_TRY(auto parameters, scalars(numbers, steps));
    auto op = std::make_unique<HistogramEstimate>(
        context_,
        steps,
        std::move(input),
        HistogramEstimate::Call{
            call.function,
            std::move(parameters),
            numbers.front()->span,
            input_expr.span,
            labelled ? string_argument(*arguments[1]) : std::string()
        }
    );
    return labelled ? merge(std::move(op), steps) : settle(std::move(op), steps);
}

Result<ScalarOperatorPtr> Planner::scalar_call(const Call& call, Steps steps) {
    const auto& query = context_.query;
    const auto constant = [&](double value) {
        return std::make_unique<ConstantScalar>(steps, value);
    };
    switch (call.function) {
        case FunctionId::time: return std::make_unique<TimeScalar>(steps);
        case FunctionId::pi: return constant(std::numbers::pi);
        case FunctionId::start: return constant(seconds(query.start.ms));
        case FunctionId::end: return constant(seconds(query.end.ms));
        case FunctionId::step: return constant(seconds(query.step.count()));
        case FunctionId::range: return constant(seconds(query.end.ms - query.start.ms));
        case FunctionId::scalar: {
            MIMIR_TRY(auto input, vector(*call.arguments[0], steps));
            return std::make_unique<ScalarOfVector>(steps, std::move(input));
        }
        case FunctionId::min_of:
        case FunctionId::max_of: {
            MIMIR_TRY(auto left, scalar(*call.arguments[0], steps));
            MIMIR_TRY(auto right, scalar(*call.arguments[1], steps));
            return std::make_unique<ScalarArithmetic>(
                call.function == FunctionId::min_of ? min_of : max_of,
                std::move(left),
                std::move(right)
            );
        }
        default: return not_built(call.function);
    }
}

}  // namespace mimir::promql::engine
