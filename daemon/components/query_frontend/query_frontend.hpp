#pragma once

// The query-frontend is where queries come in: it checks them, splits range queries by time, passes
// the parts on to queriers, tries again where one fails, and merges what they answer.

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "components/query_frontend/metrics.hpp"
#include "components/query_frontend/options.hpp"
#include "config/limits.hpp"
#include "promql/ast.hpp"
#include "rpc/query_dispatch.hpp"
#include "runtime/pool.hpp"
#include "telemetry/log.hpp"

namespace mimir::query_frontend {

/// What a query-frontend works with; all of it outlives the query-frontend.
struct Environment {
    const config::LimitsProvider& limits;
    rpc::QueryDispatch& dispatch;
    /// For results that take long to merge or to write.
    runtime::Pool& pool;
    Metrics& metrics;
    telemetry::Logger log;
    const Clock& clock = system_clock();
};

/// What a querier answered, and the runner that keeps its slot busy: for answers that are read on.
template <class T>
struct Held {
    std::shared_ptr<rpc::QueryRunner> runner;
    T answer;  ///< Is gone before the runner.
};

struct Evaluated {
    promql::QueryResult result;
    std::size_t parts = 1;  ///< That the query was split into.
};

/// Threads: any; coroutines on a strand, as those of the HTTP server are.
class QueryFrontend {
  public:
    template <class T>
    using Answer = rpc::QueryRunner::Answer<T>;

    QueryFrontend(Options options, Environment environment)
        : options_(std::move(options)), environment_(std::move(environment)) {}

    /// Parses a query, and checks its resolution, its type and the tenant's limits.
    /// Errors: invalid, in Prometheus' words, naming the parameter.
    Result<promql::ExprPtr> parse(const rpc::RequestContext& context, const promql::Query& query)
        const;

    /// The tenant's limit for series requests, unless the one asked for is stricter.
    [[nodiscard]] std::size_t series_limit(const rpc::RequestContext& context, std::size_t asked)
        const;

    /// Evaluates an expression that was parsed from query.text. A range query that reaches over a
    /// multiple of the interval is split there; the result is that of the whole.
    /// Errors: as ask().
    Answer<Evaluated> evaluate(
        rpc::RequestContext context, promql::Query query, promql::ExprPtr expr
    ) const;

    /// Calls a querier: `call` is given its runner and returns what that returns. A call that fails
    /// for what another querier may not fail for is made again at the next free one.
    /// Errors: those of the dispatch, which has done its own waiting; those of the last call.
    template <class T, class Call>
    Answer<T> ask(rpc::RequestContext context, Call call) const;
    /// The same, and keeps the querier's slot.
    template <class T, class Call>
    Answer<Held<T>> ask_and_hold(rpc::RequestContext context, Call call) const;

    /// Counts a query of a kind: query, query_range, labels, ...
    void count(const rpc::RequestContext& context, std::string_view op) const;

    [[nodiscard]] const Options& options() const { return options_; }
    [[nodiscard]] runtime::Pool& pool() const { return environment_.pool; }
    [[nodiscard]] const Clock& clock() const { return environment_.clock; }
    [[nodiscard]] const telemetry::Logger& log() const { return environment_.log; }

  private:
    struct Split;

    Result<void> check_limits(const rpc::RequestContext& context, const promql::Query& query) const;
    Answer<promql::QueryResult> evaluate_whole(
        rpc::RequestContext context, promql::Query query, promql::ExprPtr expr
    ) const;
    Answer<promql::QueryResult> evaluate_split(rpc::RequestContext context, Split& split) const;
    boost::asio::awaitable<void> evaluate_parts(rpc::RequestContext context, Split& split) const;
    /// Waits a little before a retry, which it counts; false when there is to be none.
    boost::asio::awaitable<bool> may_retry(
        rpc::RequestContext context, const Error& error, std::size_t retries
    ) const;

    const Options options_;
    const Environment environment_;
};

/// The matchers of every selector in an expression.
std::vector<model::Matchers> selectors_of(const promql::Expr& expr);

template <class T, class Call>
QueryFrontend::Answer<T> QueryFrontend::ask(rpc::RequestContext context, Call call) const {
    auto held = co_await ask_and_hold<T>(std::move(context), std::move(call));
    if (!held) co_return tl::unexpected(std::move(held.error()));
    co_return std::move(held->answer);
}

template <class T, class Call>
QueryFrontend::Answer<Held<T>> QueryFrontend::ask_and_hold(rpc::RequestContext context, Call call)
    const {
    for (std::size_t retries = 0;; ++retries) {
        MIMIR_CO_TRY(auto runner, co_await environment_.dispatch.acquire(context));
        auto answer = co_await call(*runner);
        if (answer) {
            environment_.metrics.retries.observe(static_cast<double>(retries));
            co_return Held<T>{std::move(runner), *std::move(answer)};
        }
        runner.reset();  // others may have the slot meanwhile
        if (!co_await may_retry(context, answer.error(), retries)) {
            environment_.metrics.retries.observe(static_cast<double>(retries));
            co_return tl::unexpected(std::move(answer.error()));
        }
    }
}

}  // namespace mimir::query_frontend
