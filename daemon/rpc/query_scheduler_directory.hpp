#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "modules/slot.hpp"
#include "ring/identity.hpp"
#include "ring/ring.hpp"
#include "rpc/peer.hpp"
#include "rpc/query_scheduler.hpp"

namespace mimir::rpc {

/// Where a scheduler is.
struct QuerySchedulerEntry {
    std::string id;
    std::string address;

    auto operator<=>(const QuerySchedulerEntry&) const = default;
};

/// Finds the schedulers that are there to be asked: in frontends and queriers.
/// Threads: any.
class QuerySchedulerDirectory {
  public:
    virtual ~QuerySchedulerDirectory() = default;

    /// Those that run, sorted by id, this process' own among them.
    [[nodiscard]] virtual std::vector<QuerySchedulerEntry> running() const = 0;
    /// The object of this process when it is this process', else a remote one; null when the former does not
    /// run any more. For the length of one call.
    [[nodiscard]] virtual std::shared_ptr<QueryScheduler> at(const QuerySchedulerEntry& entry) = 0;
    /// The scheduler of this process, null when none runs. For the length of one call.
    [[nodiscard]] virtual std::shared_ptr<QueryScheduler> local() const = 0;
};

/// This process' own from the slot, as soon as it is there; others as the ring says: ACTIVE and healthy.
class QuerySchedulerPool final : public QuerySchedulerDirectory {
  public:
    /// All of it outlives the pool.
    struct Environment {
        PeerPool& peers;
        const modules::Slot<QueryScheduler>& local;
        /// "query-scheduler".
        const ring::Ring& ring;
        /// Of this process.
        ring::Identity identity;
        const Clock& clock = system_clock();
    };

    explicit QuerySchedulerPool(Environment environment) : environment_(std::move(environment)) {}

    [[nodiscard]] std::vector<QuerySchedulerEntry> running() const override;
    [[nodiscard]] std::shared_ptr<QueryScheduler> at(const QuerySchedulerEntry& entry) override;
    [[nodiscard]] std::shared_ptr<QueryScheduler> local() const override {
        return environment_.local.get();
    }

  private:
    const Environment environment_;
};

}  // namespace mimir::rpc
