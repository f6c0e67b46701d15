#pragma once

#include <atomic>
#include <chrono>
#include <vector>

#include "rpc/query_dispatch.hpp"
#include "rpc/query_scheduler_directory.hpp"

namespace mimir::rpc {

/// Gets slots from the schedulers: from this process' own, else from each in turn, and from the next when one can't be
/// reached. An assignment that turns out to be void is replaced by another one: also when a remote querier says so only
/// once it is called. Its object outlives what it gives.
class SchedulerDispatch final : public QueryDispatch {
  public:
    struct Options {
        /// How long a query waits for a scheduler to be there.
        std::chrono::milliseconds not_running_timeout = std::chrono::seconds(2);
    };

    /// Both outlive it.
    SchedulerDispatch(
        Options options, QuerySchedulerDirectory& schedulers, QuerierDirectory& queriers
    )
        : options_(options), schedulers_(schedulers), queriers_(queriers) {}

    boost::asio::awaitable<Result<std::shared_ptr<QueryRunner>>> acquire(RequestContext context
    ) override;

  private:
    class ReplacedRunner;
    template <class T>
    using Awaitable = boost::asio::awaitable<Result<T>>;

    struct Taken {
        std::shared_ptr<QueryRunner> runner;
        bool is_local = false;
    };
    Awaitable<Taken> take(RequestContext context);
    Awaitable<Assignment> assignment(RequestContext context);
    /// Of the first that answers, from the `first`th on.
    Awaitable<Assignment> ask_each(
        RequestContext context, std::vector<QuerySchedulerEntry> entries, std::size_t first
    );

    const Options options_;
    QuerySchedulerDirectory& schedulers_;
    QuerierDirectory& queriers_;
    std::atomic<std::size_t> next_ = 0;
};

}  // namespace mimir::rpc
