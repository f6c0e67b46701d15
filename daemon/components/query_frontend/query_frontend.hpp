#pragma once

// The query-frontend is where queries come in: it checks them and passes them on to a querier.

#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "components/query_frontend/metrics.hpp"
#include "components/query_frontend/options.hpp"
#include "config/limits.hpp"
#include "modules/slot.hpp"
#include "promql/ast.hpp"
#include "rpc/query_runner.hpp"
#include "runtime/pool.hpp"

namespace mimir::query_frontend {

/// What a query-frontend works with; all of it outlives the query-frontend.
struct Environment {
    const config::LimitsProvider& limits;
    const modules::Slot<rpc::QueryRunner>& querier;
    /// For answers that take long to write.
    runtime::Pool& pool;
    Metrics& metrics;
    const Clock& clock = system_clock();
};

/// Threads: any.
class QueryFrontend {
  public:
    QueryFrontend(Options options, Environment environment)
        : options_(std::move(options)), environment_(environment) {}

    /// Parses a query, and checks its resolution, its type and the tenant's limits.
    /// Errors: invalid, in Prometheus' words, naming the parameter.
    Result<promql::ExprPtr> parse(const rpc::RequestContext& context, const promql::Query& query)
        const;

    /// The tenant's limit for series requests, unless the one asked for is stricter.
    [[nodiscard]] std::size_t series_limit(const rpc::RequestContext& context, std::size_t asked)
        const;

    /// For one call.
    /// Errors: unavailable.
    [[nodiscard]] Result<std::shared_ptr<rpc::QueryRunner>> querier() const;

    /// Counts a query of a kind: query, query_range, labels, ...
    void count(const rpc::RequestContext& context, std::string_view op) const;

    [[nodiscard]] const Options& options() const { return options_; }
    [[nodiscard]] runtime::Pool& pool() const { return environment_.pool; }
    [[nodiscard]] const Clock& clock() const { return environment_.clock; }

  private:
    Result<void> check_limits(const rpc::RequestContext& context, const promql::Query& query) const;

    const Options options_;
    const Environment environment_;
};

/// The matchers of every selector in an expression.
std::vector<model::Matchers> selectors_of(const promql::Expr& expr);

}  // namespace mimir::query_frontend
