#include "components/query_scheduler/query_scheduler.hpp"

#include <utility>

namespace mimir::query_scheduler {
namespace {

// Tokens tell nobody that they were canceled.
/// How long a query that its caller gave up may stay in the queue.
constexpr std::chrono::milliseconds kTick(25);
/// The same for offers. Before one is given to a query it is looked at anyway.
constexpr std::chrono::milliseconds kIdleTick(100);
/// Of a wait that a bell ends.
constexpr std::chrono::hours kLong(24);

/// The place of one that waits, given up when its coroutine is: also when that is destroyed.
template <class Entry>
class Place {
  public:
    Place(Guarded<Queue>& queue, std::shared_ptr<Entry> entry, const Clock& clock)
        : queue_(queue), entry_(std::move(entry)), clock_(clock) {}
    ~Place() {
        queue_.with([&](Queue& queue) { queue.withdraw(*entry_, clock_.steady_now()); });
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    auto outcome() const {
        return queue_.with([&](Queue&) { return entry_->outcome; });
    }
    runtime::Bell& bell() const { return entry_->bell; }

  private:
    Guarded<Queue>& queue_;
    const std::shared_ptr<Entry> entry_;
    const Clock& clock_;
};

}  // namespace

QueryScheduler::QueryScheduler(const Options& options, const Environment& environment)
    : outstanding_max_(options.max_outstanding_requests_per_tenant),
      environment_(environment),
      queue_(
          Queue::Options{
              .forget_delay = options.querier_forget_delay,
              .no_querier_timeout = environment.no_querier_timeout
          },
          environment.metrics,
          environment.clock.steady_now()
      ),
      tasks_(environment.io) {
    tasks_.spawn(tick());
}

QueryScheduler::~QueryScheduler() { stop(); }

QueryScheduler::Answer<rpc::Assignment> QueryScheduler::acquire(rpc::RequestContext context) {
    if (!context.tenant) co_return fail(ErrorKind::invalid, "no org id");
    MIMIR_CO_TRY(context.cancellation.check());
    const std::string& tenant = context.tenant->str();
    const TenantLimits limits{
        .outstanding_max = outstanding_max_,
        .queriers_max = environment_.limits.of(tenant)->max_queriers_per_tenant
    };
    MIMIR_CO_TRY(auto acquired, queue_.with([&](Queue& queue) {
        return queue.acquire(tenant, context.cancellation, limits, now());
    }));
    if (auto* at_once = std::get_if<rpc::Assignment>(&acquired)) co_return std::move(*at_once);
    wake_.ring();
    const Place place(queue_, std::get<Queue::RequestPtr>(acquired), environment_.clock);
    for (;;) {
        const std::uint64_t seen = place.bell().rings();
        if (auto outcome = place.outcome()) co_return *std::move(outcome);
        co_await place.bell().wait(seen, kLong);
    }
}

QueryScheduler::Answer<void> QueryScheduler::offer(rpc::SlotOffer offer, CancellationToken token) {
    MIMIR_CO_TRY(auto open, queue_.with([&](Queue& queue) {
        return queue.offer(std::move(offer), token, now());
    }));
    const Place place(queue_, std::move(open), environment_.clock);
    for (;;) {
        const std::uint64_t seen = place.bell().rings();
        if (auto outcome = place.outcome()) co_return *std::move(outcome);
        co_await place.bell().wait(seen, kLong);
    }
}

void QueryScheduler::end(std::uint64_t ticket) {
    queue_.with([&](Queue& queue) { queue.end(ticket, now()); });
}

void QueryScheduler::stop() {
    queue_.with([&](Queue& queue) { queue.stop(now()); });
    tasks_.stop();
}

asio::awaitable<void> QueryScheduler::tick() {
    for (;;) {
        const std::uint64_t seen = wake_.rings();
        const bool waiting = queue_.with([&](Queue& queue) {
            queue.tick(now());
            return queue.waiting() > 0;
        });
        // A ring cuts the long wait short; while queries wait it would only make ticks too many.
        if (waiting) {
            co_await runtime::sleep_for(kTick);
        } else {
            co_await wake_.wait(seen, kIdleTick);
        }
    }
}

}  // namespace mimir::query_scheduler
