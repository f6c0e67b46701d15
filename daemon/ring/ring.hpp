#pragma once

// Reads a ring: watches its keys in the key-value store and keeps the newest RingView.
//
// A heartbeat only moves Member::seen, in every view at once. An entry that is seen for the first
// time counts as fresh, unless its heartbeat by its own wall clock is older than the time-out and a
// minute: clocks may differ by that much. From then on only this process' clock counts.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "kv/kv_store.hpp"
#include "ring/ring_view.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::ring {

/// A member as people see it.
struct MemberStatus {
    Instance instance;
    /// Its heartbeat is fresh, by this process' clock.
    bool healthy = false;
    std::chrono::milliseconds since_seen{0};
    /// Share of the ring that it is first owner of, 0 to 1; with zone awareness, of its zone's ring:
    /// each zone has one copy.
    double ownership = 0;
};

/// A ring as people see it.
struct RingStatus {
    std::string name;
    std::string store;
    std::size_t replication_factor = 0;
    std::vector<MemberStatus> members;
    /// Why what is shown may be old or wrong; empty when all is well.
    std::string problem;
};

/// Threads: any.
class Ring {
  public:
    struct Environment {
        kv::KvStore& store;
        telemetry::Logger log;
        telemetry::Registry& registry;
        const Clock& clock = system_clock();
    };

    /// `name` as in keys and metrics: "ingester", "distributor", ... The members' keys are
    /// "<prefix><name>/<instance id>".
    Ring(std::string name, std::string prefix, RingOptions options, Environment environment);
    ~Ring();
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    /// Blocks until the first view is there.
    /// Errors: unavailable, when the store could not be read within the time.
    Result<void> wait_until_read(std::chrono::milliseconds at_most);

    /// The whole ring; never null. Cost: a lock for one pointer's copy.
    [[nodiscard]] std::shared_ptr<const RingView> view() const;

    /// The tenant's own members (shuffle sharding): about `size` of them, over all zones; the whole
    /// ring for size 0. For writes: without read-only ones.
    [[nodiscard]] std::shared_ptr<const RingView> write_shard(
        std::string_view tenant, std::size_t size
    ) const;
    /// The same for reads: with those that joined, or changed read-only, within the lookback. The
    /// whole ring for lookback 0: it is not known then since when the shard has been what it is.
    [[nodiscard]] std::shared_ptr<const RingView> read_shard(
        std::string_view tenant, std::size_t size, std::chrono::milliseconds lookback
    ) const;

    /// Members in this state whose heartbeat is fresh.
    [[nodiscard]] std::size_t healthy_count(InstanceState state = InstanceState::active) const;

    [[nodiscard]] RingStatus status() const;
    /// Removes a member's entry. A process that lives and still wants it writes it again.
    /// Errors: not_found; unavailable.
    Result<void> forget(std::string_view id);

    [[nodiscard]] const std::string& name() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mimir::ring
