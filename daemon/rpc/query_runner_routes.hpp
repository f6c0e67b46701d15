#pragma once

#include <vector>

#include "promql/parser.hpp"
#include "rpc/peer.hpp"
#include "rpc/query_scheduler.hpp"
#include "runtime/pool.hpp"

namespace mimir::rpc {

/// With what a querier answers other processes.
struct QueryRunnerServing {
    runtime::Pool&
        query;  ///< Makes answers that are not small. No thread is held while a slow reader is awaited.
    /// Of the querier's engine. How long a query may be, the query-frontend has seen to.
    promql::ParserOptions parser = {};
};

/// Serves a querier to the RemoteQueryRunners of other processes. Each call needs a ticket, and holds its slot until
/// the caller has its answer or is gone. The querier and the pool outlive the registrations.
[[nodiscard]] std::vector<http::RouteRegistration> register_query_runner_routes(
    const InternalRoutes& routes, TicketedQuerier& querier, QueryRunnerServing serving
);

}  // namespace mimir::rpc
