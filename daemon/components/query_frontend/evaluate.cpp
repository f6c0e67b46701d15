// Evaluation of queries, whole or in parts.

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>

#include "components/query_frontend/query_frontend.hpp"
#include "components/query_frontend/split_query.hpp"
#include "promql/parser.hpp"
#include "runtime/run_on.hpp"

namespace mimir::query_frontend {
namespace {

/// Runs the tasks side by side on this coroutine's own executor, a strand: of what they share, one
/// at a time is looked at. Resumes when all have ended.
boost::asio::awaitable<void> run_all(std::vector<boost::asio::awaitable<void>> tasks) {
    namespace asio = boost::asio;
    const auto strand = co_await asio::this_coro::executor;
    using Operation = decltype(asio::co_spawn(strand, std::move(tasks.front()), asio::deferred));
    std::vector<Operation> operations;
    for (auto& task : tasks) {
        operations.push_back(asio::co_spawn(strand, std::move(task), asio::deferred));
    }
    auto group = asio::experimental::make_parallel_group(std::move(operations));
    co_await group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
}

}  // namespace

/// The parts of one query, and how far they are.
struct QueryFrontend::Split {
    std::vector<promql::Query> parts;
    promql::ExprPtr expr;
    std::size_t next = 0;
    std::vector<promql::QueryResult> results;
    /// Why the first part that failed did; the others are given up then.
    std::optional<Error> error = std::nullopt;
};

QueryFrontend::Answer<Evaluated> QueryFrontend::evaluate(
    rpc::RequestContext context, promql::Query query, promql::ExprPtr expr
) const {
    Split split{
        .parts = split_by_interval(query, options_.split_queries_by_interval), .expr = expr
    };
    std::optional<PinnedQuery> pinned;
    if (!split.parts.empty()) {
        pinned.emplace(query);
        if (pinned->changed()) {
            auto parsed = promql::parse_expr(pinned->text(), promql::ParserOptions::everything());
            // It may be too long now: then it stays whole.
            if (!parsed) split.parts.clear();
            if (parsed) split.expr = *std::move(parsed);
            for (promql::Query& part : split.parts) part.text = pinned->text();
        }
    }
    if (split.parts.empty()) {
        MIMIR_CO_TRY(
            auto whole,
            co_await evaluate_whole(std::move(context), std::move(query), std::move(expr))
        );
        co_return Evaluated{std::move(whole)};
    }
    const std::size_t parts = split.parts.size();
    environment_.metrics.split_queries.add(parts);
    MIMIR_CO_TRY(auto merged, co_await evaluate_split(std::move(context), split));
    pinned->restore_positions(merged.annotations);
    co_return Evaluated{std::move(merged), parts};
}

QueryFrontend::Answer<promql::QueryResult> QueryFrontend::evaluate_whole(
    rpc::RequestContext context, promql::Query query, promql::ExprPtr expr
) const {
    auto call = [&](rpc::QueryRunner& runner) { return runner.query(context, query, expr); };
    co_return co_await ask<promql::QueryResult>(context, call);
}

QueryFrontend::Answer<promql::QueryResult> QueryFrontend::evaluate_split(
    rpc::RequestContext context, Split& split
) const {
    split.results.resize(split.parts.size());
    const auto limits = environment_.limits.of(context.tenant->str());
    std::size_t at_once = split.parts.size();
    if (const std::uint64_t most = limits->max_query_parallelism; most != 0)
        at_once = std::min<std::size_t>(at_once, most);
    context.cancellation = context.cancellation.child();
    std::vector<boost::asio::awaitable<void>> tasks;
    for (std::size_t i = 0; i < at_once; ++i) tasks.push_back(evaluate_parts(context, split));
    co_await run_all(std::move(tasks));
    if (split.error) co_return tl::unexpected(*std::move(split.error));
    auto merge = [&]() -> Result<promql::QueryResult> {
        return merge_parts(std::move(split.results));
    };
    co_return co_await runtime::run_on(environment_.pool, context.tenant->str(), merge);
}

boost::asio::awaitable<void> QueryFrontend::evaluate_parts(
    rpc::RequestContext context, Split& split
) const {
    while (!split.error && split.next < split.parts.size()) {
        const std::size_t part = split.next++;
        auto result = co_await evaluate_whole(context, split.parts[part], split.expr);
        if (result) {
            split.results[part] = *std::move(result);
        } else if (!split.error) {
            split.error = std::move(result.error());
            context.cancellation.cancel();
        }
    }
}

}  // namespace mimir::query_frontend
