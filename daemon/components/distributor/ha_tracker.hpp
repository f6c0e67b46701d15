#pragma once

// Takes the samples of one replica of each pair of Prometheus servers, and fails over to the other
// when that one is silent. Which one is elected is in the key-value store, for all distributors:
// "<prefix>ha-tracker/<tenant>/<cluster>". Invariants:
//
//   - An election is a compare-and-swap: of two distributors that see different replicas first, one
//     gives way.
//   - How long a replica has been silent is judged by this process' own clock, from when it saw its
//     samples or a change of its key: clocks of hosts may differ.
//   - A push of a known cluster touches memory alone; one of an unknown cluster the store, once.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/guarded.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "components/distributor/elected_replica.hpp"
#include "components/distributor/ha_tracker_metrics.hpp"
#include "config/limits.hpp"
#include "kv/kv_store.hpp"
#include "model/tenant.hpp"
#include "telemetry/log.hpp"

namespace mimir::distributor {

/// Threads: any.
class HaTracker final : private kv::Watcher {
  public:
    /// All of it outlives the tracker.
    struct Environment {
        kv::KvStore& store;
        const config::LimitsProvider& limits;
        HaTrackerMetrics& metrics;
        Random& random;
        telemetry::Logger log;
        const Clock& clock = system_clock();
    };

    /// Watches the store from now on. `prefix` as of rings: "collectors/".
    HaTracker(std::string prefix, Environment environment);
    ~HaTracker() override;

    /// Whether samples of this replica are taken now; elects it when its cluster has none.
    /// Errors: conflict (kNotElected), when another is elected: the samples are to be dropped;
    ///         limit (kTooManyClusters); unavailable, when the cluster is unknown and the store can't be
    ///         reached.
    /// Cost: hot path; a lock and two searches.
    Result<void> check(
        const model::TenantId& tenant, std::string_view cluster, std::string_view replica
    );

    /// What has to be done about every second: tells the store that elected replicas live, and fails
    /// over. Blocks for the store.
    void tick();
    /// What has to be done about every kCleanupInterval: marks idle clusters, removes marked ones.
    void clean_up();

    struct Status {
        std::string tenant;
        std::string cluster;
        ElectedReplica elected;
        std::chrono::milliseconds failover_timeout;
    };
    /// Sorted by tenant and cluster.
    [[nodiscard]] std::vector<Status> status() const;

    static constexpr std::string_view kNotElected = "replicas-did-not-match";
    static constexpr std::string_view kTooManyClusters = "tenant-too-many-ha-clusters";
    static constexpr std::chrono::minutes kCleanupInterval{30};

  private:
    using SteadyTime = std::chrono::steady_clock::time_point;
    struct Entry {
        ElectedReplica elected;
        std::uint64_t version = kv::kAbsent;
        SteadyTime alive;  ///< When the elected replica gave a sign of life, here or by the store.
        TimestampMs received_at;           ///< When its last samples came here; 0 for never.
        std::chrono::milliseconds jitter;  ///< Of the update time-out.
        std::string other;                 ///< The last other replica that was seen,
        SteadyTime other_seen;             ///< and when.
    };
    using Clusters = std::map<std::string, Entry, std::less<>>;
    struct Tenants {
        std::map<std::string, Clusters, std::less<>> clusters;
        Result<void> reachable;
    };
    /// A change of a key that was decided under the lock and is made without it.
    struct Change {
        std::string tenant;
        std::string cluster;
        std::uint64_t version;
        ElectedReplica elected;
    };

    void updated(const kv::Update& update) override;
    void reachable(const Result<void>& state) override;

    Result<void> elect(
        const model::TenantId& tenant,
        std::string_view cluster,
        std::string_view replica,
        std::uint64_t version
    );
    /// What a tick makes of an entry; nothing when it stays.
    [[nodiscard]] std::optional<ElectedReplica> next_of(
        const Entry& entry, const config::Limits& limits
    ) const;
    Result<void> write(const Change& change);
    void take_over(
        Tenants& tenants,
        std::string_view tenant,
        std::string_view cluster,
        ElectedReplica elected,
        std::uint64_t version
    );
    void forget(Tenants& tenants, std::string_view tenant, std::string_view cluster);
    [[nodiscard]] std::string key_of(std::string_view tenant, std::string_view cluster) const;

    const std::string prefix_;
    const Environment environment_;
    Guarded<Tenants> tenants_;
    std::unique_ptr<kv::KvStore::Watch> watch_;  // ends first
};

}  // namespace mimir::distributor
