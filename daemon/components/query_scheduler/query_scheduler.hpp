#pragma once

// The query-scheduler brings the queries of query-frontends and the free slots of queriers together: see queue.hpp for
// who gets what. Everything it knows is in memory, and is made anew by those who ask and offer.

#include "base/clock.hpp"
#include "base/guarded.hpp"
#include "components/query_scheduler/options.hpp"
#include "components/query_scheduler/queue.hpp"
#include "config/limits.hpp"
#include "runtime/task_scope.hpp"

namespace mimir::query_scheduler {

/// What a scheduler works with; all of it outlives the scheduler.
struct Environment {
    const config::LimitsProvider& limits;
    runtime::IoThreads& io;
    Metrics& metrics;
    /// A query fails when no querier was here for so long. Long enough for a querier that restarts to be back.
    std::chrono::milliseconds no_querier_timeout = std::chrono::seconds(2);
    const Clock& clock = system_clock();
};

class QueryScheduler final : public rpc::QueryScheduler {
  public:
    QueryScheduler(const Options& options, const Environment& environment);
    /// stop(). Nobody awaits its answers any more.
    ~QueryScheduler() override;

    Answer<rpc::Assignment> acquire(rpc::RequestContext context) override;
    Answer<void> offer(rpc::SlotOffer offer, CancellationToken token) override;
    void end(std::uint64_t ticket) override;

    /// All who wait get "unavailable" at once, and all who come. Idempotent.
    /// Threads: any but the event loop's.
    void stop();

  private:
    asio::awaitable<void> tick();
    [[nodiscard]] TimePoint now() const { return environment_.clock.steady_now(); }

    const std::size_t outstanding_max_;
    const Environment environment_;
    Guarded<Queue> queue_;
    runtime::Bell
        wake_;  // rung when queries have to wait: their callers are looked after more often
    runtime::TaskScope tasks_;
};

}  // namespace mimir::query_scheduler
