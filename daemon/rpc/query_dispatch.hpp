#pragma once

#include "rpc/query_scheduler.hpp"

namespace mimir::rpc {

/// Gets one query a querier: a slot from a scheduler, and the runner that goes with it.
/// Threads: awaited on the event loop.
class QueryDispatch {
  public:
    virtual ~QueryDispatch() = default;

    /// For one call; the slot is busy as long as the runner is held.
    /// Errors: limit, when the tenant has too many queries waiting; unavailable, when there is no
    ///         scheduler or it went away; canceled and timeout, as the context says.
    virtual boost::asio::awaitable<Result<std::shared_ptr<QueryRunner>>> acquire(
        RequestContext context
    ) = 0;
};

}  // namespace mimir::rpc
