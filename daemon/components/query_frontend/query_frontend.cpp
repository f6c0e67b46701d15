#include "components/query_frontend/query_frontend.hpp"

#include <algorithm>

#include "components/query_frontend/parameters.hpp"
#include "promql/parser.hpp"
#include "runtime/task_scope.hpp"

namespace mimir::query_frontend {
namespace {

constexpr std::int64_t kPointsMax = 11'000;  // of a series; Prometheus' figure

Result<void> check_range(const promql::Query& query) {
    if (query.is_instant()) return {};
    if (TimeRange{query.start, query.end}.length() / query.step <= kPointsMax) return {};
    return fail(
        ErrorKind::invalid,
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
        "resolution "
        "(?step=XX)"
    );
}

Result<void> check_type(const promql::Query& query, const promql::Expr& expr) {
    using enum promql::ValueType;
    if (query.is_instant() || expr.type == scalar || expr.type == vector) return {};
    return fail(
        ErrorKind::invalid,
        "invalid parameter \"query\": invalid expression type \"{}\" for range query, must be "
        "Scalar or "
        "instant Vector",
        promql::describe(expr.type)
    );
}

void collect_selectors(const promql::Expr& expr, std::vector<model::Matchers>& selectors) {
    if (const auto* vector = expr.as<promql::VectorSelector>()) {
        selectors.push_back(vector->matchers);
    } else if (const auto* matrix = expr.as<promql::MatrixSelector>()) {
        selectors.push_back(matrix->vector.matchers);
    }
    for (const promql::ExprPtr& child : promql::children(expr))
        collect_selectors(*child, selectors);
}

/// Before the first retry; doubled for each further one.
constexpr std::chrono::milliseconds kPause(20);
constexpr std::chrono::milliseconds kPauseMax(500);

/// Whether another querier may do better.
bool may_pass(const Error& error) {
    using enum ErrorKind;
    return error.kind == unavailable || error.kind == internal || error.kind == timeout;
}

std::chrono::milliseconds pause_before(std::size_t retry) {
    constexpr std::size_t kDoublingsMax = 5;
    return std::min(kPauseMax, kPause * (1 << std::min(retry, kDoublingsMax)));
}

}  // namespace

Result<promql::ExprPtr> QueryFrontend::parse(
    const rpc::RequestContext& context, const promql::Query& query
) const {
    MIMIR_TRY(check_range(query));
    MIMIR_TRY(check_limits(context, query));
    auto expr = promql::parse_expr(query.text);
    if (!expr) return tl::unexpected(bad_parameter("query", std::move(expr.error())));
    MIMIR_TRY(check_type(query, **expr));
    return *std::move(expr);
}

Result<void> QueryFrontend::check_limits(
    const rpc::RequestContext& context, const promql::Query& query
) const {
    const std::string& user = context.tenant->str();
    const auto limits = environment_.limits.of(user);
    const auto refuse = [&](std::string_view id, std::string message, std::string_view flag) {
        std::string reason(id);
        for (char& c : reason) c = c == '-' ? '_' : c;
        environment_.metrics.rejected_queries.with({user, reason})->inc();
        return fail_with_id(
            ErrorKind::invalid,
            id,
            "{} (err-mimir-{}). To adjust the related per-tenant limit, configure -{}, or contact "
            "your "
            "service administrator.",
            message,
            id,
            flag
        );
    };
    const std::uint64_t bytes_max = limits->max_query_expression_size_bytes;
    if (bytes_max != 0 && query.text.size() > bytes_max) {
        return refuse(
            "max-query-expression-size-bytes",
            fmt::format(
                "the raw query size in bytes exceeds the limit (query size: {}, limit: {})",
                query.text.size(),
                bytes_max
            ),
            "query-frontend.max-query-expression-size-bytes"
        );
    }
    const std::chrono::milliseconds length_max = limits->max_total_query_length;
    const std::chrono::milliseconds length = TimeRange{query.start, query.end}.length();
    if (length_max.count() > 0 && length > length_max) {
        return refuse(
            "max-total-query-length",
            fmt::format(
                "the total query time range exceeds the limit (query length: {}s, limit: {}s)",
                length.count() / 1000,
                length_max.count() / 1000
            ),
            "query-frontend.max-total-query-length"
        );
    }
    return {};
}

std::size_t QueryFrontend::series_limit(const rpc::RequestContext& context, std::size_t asked)
    const {
    const std::size_t most = environment_.limits.of(context.tenant->str())->max_series_query_limit;
    if (most == 0) return asked;
    return asked == 0 ? most : std::min(asked, most);
}

boost::asio::awaitable<bool> QueryFrontend::may_retry(
    rpc::RequestContext context, const Error& error, std::size_t retries
) const {
    const CancellationToken& token = context.cancellation;
    if (retries >= options_.max_retries || !may_pass(error) || !token.check()) co_return false;
    environment_.log.debug(
        "a querier failed, trying another one", {{"user", *context.tenant}, {"err", error}}
    );
    co_await runtime::sleep_for(pause_before(retries));
    co_return token.check().has_value();
}

void QueryFrontend::count(const rpc::RequestContext& context, std::string_view op) const {
    environment_.metrics.queries.with({op, context.tenant->str()})->inc();
}

std::vector<model::Matchers> selectors_of(const promql::Expr& expr) {
    std::vector<model::Matchers> selectors;
    collect_selectors(expr, selectors);
    return selectors;
}

}  // namespace mimir::query_frontend
