#include "conformance/runner.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "conformance/comparison.hpp"
#include "conformance/memory_storage.hpp"
#include "promql/errors.hpp"

namespace mimir::conformance {
namespace {

constexpr std::string_view kNotBuiltPrefix = "not built: ";

promql::EngineOptions engine_options() {
    promql::EngineOptions options;
    options.parser = promql::ParserOptions::everything();
    options.delayed_name_removal = true;  // as upstream runs its scripts
    return options;
}

/// Whether the result depends on the query's start, end or step: as a range query it is another one.
// NOLINTNEXTLINE(misc-no-recursion): the parser bounds the depth
bool asks_for_window(const promql::Expr& expr) {
    using promql::FunctionId;
    const auto at_edge = [](const std::optional<promql::At>& at) {
        return at && at->kind != promql::At::Kind::time;
    };
    bool asks = false;
    if (const auto* call = expr.as<promql::Call>()) {
        asks = call->function == FunctionId::start || call->function == FunctionId::end ||
               call->function == FunctionId::step || call->function == FunctionId::range;
    } else if (const auto* vector = expr.as<promql::VectorSelector>()) {
        asks = vector->offset.depends_on_query || at_edge(vector->at);
    } else if (const auto* matrix = expr.as<promql::MatrixSelector>()) {
        asks = matrix->range.depends_on_query || matrix->vector.offset.depends_on_query ||
               at_edge(matrix->vector.at);
    } else if (const auto* subquery = expr.as<promql::Subquery>()) {
        asks = subquery->range.depends_on_query || subquery->offset.depends_on_query ||
               at_edge(subquery->at);
    }
    return asks || std::ranges::any_of(promql::children(expr), [](const promql::ExprPtr& child) {
               return asks_for_window(*child);
           });
}

class Runner {
  public:
    Result<void> run(const Load& load) { return storage_.load(load); }

    Result<void> run(const Clear&) {
        storage_.clear();
        return {};
    }

    Result<void> run(const Eval& eval) {
        Outcome outcome{.line = eval.line, .query = eval.query};
        if (auto checked = check(eval); !checked) {
            Error& error = checked.error();
            outcome.verdict = error.id == promql::kNotBuilt ? Verdict::not_built : Verdict::wrong;
            if (error.message.starts_with(kNotBuiltPrefix))
                error.message.erase(0, kNotBuiltPrefix.size());
            outcome.detail = std::move(error.message);
        }
        outcomes.push_back(std::move(outcome));
        return {};
    }

    std::vector<Outcome> outcomes;

  private:
    Result<void> check(const Eval& eval) {
        const auto result =
            engine_.execute({eval.query, eval.start, eval.end, eval.step}, storage_);
        if (eval.failure) return check_failure(*eval.failure, result);
        if (!result) return fail_of(result.error());
        MIMIR_TRY(compare(eval, *result));
        if (eval.is_range || eval.ordered || eval.string || eval.range_vector) return {};
        const auto expr = promql::parse_expr(eval.query, engine_.options().parser);
        if (!expr || asks_for_window(**expr)) return {};
        return check_as_range(eval);
    }

    static Result<void> check_failure(
        const Expectation& expected, const Result<promql::QueryResult>& result
    ) {
        if (result) return fail(ErrorKind::invalid, "success instead of an error");
        if (result.error().id == promql::kNotBuilt) return fail_of(result.error());
        if (expected.matches(result.error().message)) return {};
        return fail(
            ErrorKind::invalid,
            "the error \"{}\" instead of the one expected",
            result.error().message
        );
    }

    static Result<void> fail_of(Error error) {
        if (error.id != promql::kNotBuilt) error.message = "the error \"" + error.message + "\"";
        return tl::unexpected(std::move(error));
    }

    /// The step in the middle must be what the instant query gave.
    Result<void> check_as_range(const Eval& eval) {
        constexpr std::chrono::milliseconds kStep = std::chrono::minutes(1);
        const auto result =
            engine_.execute({eval.query, eval.start - kStep, eval.end + kStep, kStep}, storage_);
        if (!result) return fail_of(result.error().with_context("as a range query"));
        const auto* matrix = std::get_if<promql::Matrix>(&result->value);
        if (matrix == nullptr) return fail(ErrorKind::invalid, "no matrix, as a range query");
        promql::QueryResult middle{.value = at(*matrix, eval)};
        Eval expected = eval;
        expected.warnings.clear();  // the steps beside the middle have their own
        expected.infos.clear();
        expected.no_warnings = expected.no_infos = false;
        return with_context(compare(expected, middle), "as a range query");
    }

    /// The values at the eval's time.
    static decltype(promql::QueryResult::value) at(const promql::Matrix& matrix, const Eval& eval) {
        promql::Vector vector;
        for (const promql::MatrixSeries& series : matrix) {
            for (const promql::FloatPoint& point : series.floats) {
                if (point.time != eval.start) continue;
                if (eval.scalar) return promql::Scalar{point.time, point.value};
                vector.push_back({.labels = series.labels, .time = point.time, .value = point.value}
                );
            }
            for (const promql::HistogramPoint& point : series.histograms) {
                if (point.time != eval.start) continue;
                vector.push_back(
                    {.labels = series.labels, .time = point.time, .histogram = point.value}
                );
            }
        }
        return vector;
    }

    promql::Engine engine_{engine_options()};
    MemoryStorage storage_;
};

}  // namespace

Result<std::vector<Outcome>> run_script(std::string_view script) {
    MIMIR_TRY(const std::vector<Command> commands, parse_script(script));
    Runner runner;
    for (const Command& command : commands) {
        MIMIR_TRY(std::visit([&](const auto& one) { return runner.run(one); }, command));
    }
    return std::move(runner.outcomes);
}

}  // namespace mimir::conformance
