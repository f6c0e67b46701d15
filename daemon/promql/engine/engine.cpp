#include "promql/engine.hpp"

#include "promql/engine/distinct_series.hpp"
#include "promql/engine/planner.hpp"
#include "promql/engine/results.hpp"
#include "promql/engine/scalars.hpp"

namespace mimir::promql {

namespace {

using namespace engine;

/// Names that were to go at the end of the query go now.
VectorOperatorPtr finish(QueryContext& context, VectorOperatorPtr root, Steps steps) {
    if (!context.options.delayed_name_removal) return root;
    return std::make_unique<DistinctSeries>(
        context, steps, std::move(root), DistinctSeries::Names::drop
    );
}

Result<Steps> steps_of(const Query& query) {
    if (query.end < query.start) {
        return fail(ErrorKind::invalid, "end timestamp must not be before start time");
    }
    if (query.start.ms < -kTimeReach || query.end.ms > kTimeReach) {
        return fail(ErrorKind::invalid, "the query's time is out of range");
    }
    if (query.is_instant()) return Steps{query.start.ms, 1, 1};
    if (query.step.count() < 0) {
        return fail(
            ErrorKind::invalid, "zero or negative query resolution step widths are not accepted"
        );
    }
    const auto interval = query.step.count();
    const auto count = static_cast<std::size_t>((query.end.ms - query.start.ms) / interval) + 1;
    return Steps{query.start.ms, interval, count};
}

Result<decltype(QueryResult::value)> evaluate_instant(QueryContext& context, const Expr& expr) {
    const TimestampMs time = context.query.start;
    const Steps steps{time.ms, 1, 1};
    Planner planner(context);
    switch (expr.type) {
        case ValueType::string: return String{time, string_argument(expr)};
        case ValueType::scalar: {
            MIMIR_TRY(auto root, planner.scalar(expr, steps));
            MIMIR_TRY(const auto values, root->evaluate());
            return Scalar{time, values.front()};
        }
        case ValueType::vector: {
            MIMIR_TRY(auto root, planner.vector(expr, steps));
            root = finish(context, std::move(root), steps);
            MIMIR_TRY(auto vector, collect_vector(context, *root, time));
            return vector;
        }
        case ValueType::matrix: break;
    }
    MIMIR_TRY(auto root, planner.range(expr, steps));
    MIMIR_TRY(auto matrix, collect_samples(context, *root));
    return matrix;
}

Result<Matrix> evaluate_range(QueryContext& context, const Expr& expr, Steps steps) {
    if (expr.type != ValueType::scalar && expr.type != ValueType::vector) {
        return fail(
            ErrorKind::invalid,
            "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
            describe(expr.type)
        );
    }
    MIMIR_TRY(context.budget.check_size(static_cast<double>(steps.count)));
    Planner planner(context);
    VectorOperatorPtr root;
    if (expr.type == ValueType::vector) {
        MIMIR_TRY(root, planner.vector(expr, steps));
    } else {
        MIMIR_TRY(auto scalar, planner.scalar(expr, steps));
        root = std::make_unique<VectorOfScalar>(steps, std::move(scalar));
    }
    root = finish(context, std::move(root), steps);
    return collect_matrix(context, *root, steps);
}

}  // namespace

Result<QueryResult> Engine::execute(
    const Query& query, Queryable& storage, const CancellationToken& cancellation
) const {
    MIMIR_TRY(const auto expr, parse_expr(query.text, options_.parser));
    return execute(expr, query, storage, cancellation);
}

Result<QueryResult> Engine::execute(
    const ExprPtr& expr,
    const Query& query,
    Queryable& storage,
    const CancellationToken& cancellation
) const {
    MIMIR_TRY(const Steps steps, steps_of(query));
    MIMIR_TRY(
        const auto resolved,
        resolve_durations(expr, query.text, {query.step, query.end - query.start})
    );
    QueryContext context{
        .query = query,
        .options = options_,
        .storage = storage,
        .cancellation = cancellation,
        .lookback = query.lookback.value_or(options_.lookback),
        .budget = SampleBudget(query.samples_max.value_or(options_.samples_max)),
        .annotator = Annotator(query.text),
        .statistics = {},
    };
    QueryResult result;
    if (query.is_instant()) {
        MIMIR_TRY(result.value, evaluate_instant(context, *resolved));
    } else {
        MIMIR_TRY(result.value, evaluate_range(context, *resolved, steps));
    }
    result.annotations = context.annotator.take();
    result.statistics = context.statistics;
    result.statistics.samples_peak = context.budget.peak();
    return result;
}

}  // namespace mimir::promql
