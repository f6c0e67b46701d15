#pragma once

// Offers the querier's slots to the schedulers. What always holds:
//   - a slot is offered to one scheduler at a time, and not while its query runs;
//   - there are max_concurrent slots, spread evenly over the schedulers that run; one each, when there are more of
//     those;
//   - who is no scheduler any more keeps a slot only until the query of it has ended.

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "components/querier/slots.hpp"
#include "ring/identity.hpp"
#include "rpc/query_scheduler_directory.hpp"
#include "runtime/bell.hpp"
#include "runtime/task_scope.hpp"
#include "telemetry/log.hpp"

namespace mimir::querier {

/// How many slots each of these schedulers is offered. Which ones get one more differs from querier to querier.
std::map<rpc::QuerySchedulerEntry, std::size_t> spread(
    std::size_t slots,
    const std::vector<rpc::QuerySchedulerEntry>& schedulers,
    std::string_view querier_id
);

class Offers {
  public:
    struct Options {
        std::size_t slots = 20;
        /// How long a ticket waits for its call.
        std::chrono::milliseconds ticket_comes_within = std::chrono::seconds(5);
        /// Between two looks at which schedulers there are.
        std::chrono::milliseconds look_interval{250};
        /// Between two offers to a scheduler that can't be reached: doubles up to the greatest.
        std::chrono::milliseconds backoff_min{100};
        std::chrono::milliseconds backoff_max{2000};
    };
    /// All of it outlives the offers.
    struct Environment {
        rpc::QuerySchedulerDirectory& schedulers;
        Slots& slots;
        runtime::IoThreads& io;
        ring::Identity identity;
        telemetry::Logger log;
    };

    /// Begins to offer.
    Offers(Options options, Environment environment);
    /// stop().
    ~Offers();
    Offers(const Offers&) = delete;
    Offers& operator=(const Offers&) = delete;

    /// Takes back what is open, and offers no more. Idempotent.
    void take_back();
    /// take_back(), and waits for the queries under way.
    /// Threads: any but the event loop's.
    void stop();

  private:
    struct Slot;
    using SlotPtr = std::shared_ptr<Slot>;

    asio::awaitable<void> keep();
    asio::awaitable<void> serve(SlotPtr slot);
    asio::awaitable<void> run_slot(SlotPtr slot);
    void look();
    void withdraw(const rpc::QuerySchedulerEntry& entry, std::size_t surplus);
    void report(const rpc::QuerySchedulerEntry& entry, const Error& error) const;

    const Options options_;
    const Environment environment_;
    runtime::Bell changed_;  // a slot's task ended, or all are to
    std::mutex mutex_;
    bool stopping_ = false;
    std::vector<SlotPtr> slots_;
    runtime::TaskScope tasks_;
};

}  // namespace mimir::querier
