#include "components/distributor/ha_tracker.hpp"

#include <algorithm>

namespace mimir::distributor {
namespace {

constexpr std::string_view kFolder = "ha-tracker/";

double seconds(TimestampMs time) { return static_cast<double>(time.ms) / 1000; }

tl::unexpected<Error> not_elected(std::string_view replica, std::string_view elected) {
    return fail_with_id(
        ErrorKind::conflict,
        HaTracker::kNotElected,
        "replicas did not match, rejecting sample: replica={}, elected={}",
        replica,
        elected
    );
}

/// A replica is given up no sooner than the store would have been told that it lives.
std::chrono::milliseconds failover_timeout(const config::Limits& limits) {
    return std::max(
        limits.ha_tracker_failover_timeout,
        limits.ha_tracker_update_timeout + limits.ha_tracker_update_timeout_jitter_max +
            std::chrono::seconds(1)
    );
}

}  // namespace

HaTracker::HaTracker(std::string prefix, Environment environment)
    : prefix_(std::move(prefix) + std::string(kFolder)), environment_(std::move(environment)) {
    watch_ = environment_.store.watch(prefix_, *this);
}

HaTracker::~HaTracker() { watch_.reset(); }

std::string HaTracker::key_of(std::string_view tenant, std::string_view cluster) const {
    return fmt::format("{}{}/{}", prefix_, tenant, cluster);
}

Result<void> HaTracker::check(
    const model::TenantId& tenant, std::string_view cluster, std::string_view replica
) {
    std::optional<Result<void>> known;
    std::uint64_t version = kv::kAbsent;
    tenants_.with([&](Tenants& tenants) {
        const auto of_tenant = tenants.clusters.find(tenant.str());
        if (of_tenant == tenants.clusters.end()) return;
        const auto at = of_tenant->second.find(cluster);
        if (at == of_tenant->second.end()) return;
        Entry& entry = at->second;
        version = entry.version;
        if (entry.elected.deleted_at.ms != 0) return;
        if (entry.elected.replica == replica) {
            entry.received_at = environment_.clock.now();
            entry.alive = environment_.clock.steady_now();
            known.emplace();
        } else {
            entry.other = replica;
            entry.other_seen = environment_.clock.steady_now();
            known.emplace(not_elected(replica, entry.elected.replica));
        }
    });
    return known ? *std::move(known) : elect(tenant, cluster, replica, version);
}

Result<void> HaTracker::elect(
    const model::TenantId& tenant,
    std::string_view cluster,
    std::string_view replica,
    std::uint64_t version
) {
    const auto limits = environment_.limits.of(tenant.str());
    MIMIR_TRY(tenants_.with([&](const Tenants& tenants) -> Result<void> {
        MIMIR_TRY(tenants.reachable);
        const auto of_tenant = tenants.clusters.find(tenant.str());
        if (of_tenant == tenants.clusters.end() || version != kv::kAbsent) return {};
        const std::size_t limit = limits->ha_max_clusters;
        if (limit == 0 || of_tenant->second.size() < limit) return {};
        return fail_with_id(
            ErrorKind::limit,
            kTooManyClusters,
            "the write request has been rejected because the maximum number of high-availability "
            "(HA) clusters has been reached for this tenant (limit: {})",
            limit
        );
    }));
    const TimestampMs now = environment_.clock.now();
    const ElectedReplica elected{std::string(replica), now, {}, now, 0};
    const Result<void> written = write({tenant.str(), std::string(cluster), version, elected});
    if (written || written.error().kind != ErrorKind::conflict) return written;
    // Another distributor was first: what it wrote holds.
    MIMIR_TRY(const auto entry, environment_.store.get(key_of(tenant.str(), cluster)));
    if (!entry) return fail(ErrorKind::unavailable, "the replica's election was taken back");
    MIMIR_TRY(ElectedReplica theirs, decode_elected_replica(entry->value));
    const bool same = theirs.replica == replica;
    const std::string name = theirs.replica;
    tenants_.with([&](Tenants& tenants) {
        take_over(tenants, tenant.str(), cluster, std::move(theirs), entry->version);
    });
    if (!same) return not_elected(replica, name);
    return {};
}

void HaTracker::tick() {
    std::vector<Change> changes;
    tenants_.with([&](const Tenants& tenants) {
        if (!tenants.reachable) return;
        for (const auto& [tenant, clusters] : tenants.clusters) {
            const auto limits = environment_.limits.of(tenant);
            for (const auto& [cluster, entry] : clusters) {
                auto next = next_of(entry, *limits);
                if (next) changes.push_back({tenant, cluster, entry.version, *std::move(next)});
            }
        }
    });
    for (const Change& change : changes) {
        const Result<void> written = write(change);
        // Another distributor's change comes by the watch.
        if (written || written.error().kind == ErrorKind::conflict) continue;
        environment_.log.warn(
            "an elected replica can't be written",
            {{"user", change.tenant}, {"cluster", change.cluster}, {"err", written.error()}}
        );
        return;
    }
}

std::optional<ElectedReplica> HaTracker::next_of(const Entry& entry, const config::Limits& limits)
    const {
    if (entry.elected.deleted_at.ms != 0) return {};
    const SteadyTime now = environment_.clock.steady_now();
    ElectedReplica next = entry.elected;
    const auto update_after = limits.ha_tracker_update_timeout + entry.jitter;
    if (entry.received_at - entry.elected.received_at > update_after) {
        next.received_at = entry.received_at;
        return next;
    }
    const auto timeout = failover_timeout(limits);
    const bool silent = now - entry.alive > timeout;
    const bool other_lives = !entry.other.empty() && now - entry.other_seen < timeout;
    if (!silent || !other_lives) return {};
    next.replica = entry.other;
    next.received_at = next.elected_at = environment_.clock.now();
    ++next.elected_changes;
    return next;
}

void HaTracker::clean_up() {
    constexpr std::chrono::milliseconds kIdle = kCleanupInterval;
    environment_.metrics.cleanups.inc();
    std::vector<Change> changes;
    const TimestampMs now = environment_.clock.now();
    tenants_.with([&](const Tenants& tenants) {
        if (!tenants.reachable) return;
        for (const auto& [tenant, clusters] : tenants.clusters) {
            for (const auto& [cluster, entry] : clusters) {
                if (environment_.clock.steady_now() - entry.alive < kIdle) continue;
                changes.push_back({tenant, cluster, entry.version, entry.elected});
            }
        }
    });
    for (Change& change : changes) {
        const bool marked = change.elected.deleted_at.ms != 0;
        if (!marked) change.elected.deleted_at = now;
        const Result<void> done =
            marked
                ? environment_.store.remove(key_of(change.tenant, change.cluster), change.version)
                : write(change);
        if (!done) {
            // In use again, or cleaned up by another, when the version is another.
            if (done.error().kind != ErrorKind::conflict) environment_.metrics.delete_failed.inc();
            continue;
        }
        (marked ? environment_.metrics.deleted : environment_.metrics.marked).inc();
        if (!marked) continue;
        tenants_.with([&](Tenants& tenants) { forget(tenants, change.tenant, change.cluster); });
    }
}

Result<void> HaTracker::write(const Change& change) {
    environment_.metrics.kv_writes.with({change.tenant, change.cluster})->inc();
    MIMIR_TRY(
        const std::uint64_t version,
        environment_.store.compare_and_swap(
            key_of(change.tenant, change.cluster), change.version, encode(change.elected)
        )
    );
    tenants_.with([&](Tenants& tenants) {
        take_over(tenants, change.tenant, change.cluster, change.elected, version);
    });
    return {};
}

void HaTracker::take_over(
    Tenants& tenants,
    std::string_view tenant,
    std::string_view cluster,
    ElectedReplica elected,
    std::uint64_t version
) {
    Clusters& clusters = tenants.clusters[std::string(tenant)];
    const auto [at, is_new] = clusters.try_emplace(std::string(cluster));
    Entry& entry = at->second;
    if (version <= entry.version) return;  // older news than what is known
    const bool changed = entry.elected.replica != elected.replica;
    const bool lives = elected.received_at != entry.elected.received_at;
    const bool unmarked = elected.deleted_at.ms == 0;
    if (is_new || changed) {
        entry.received_at = {};
        const auto jitter_max =
            environment_.limits.of(tenant)->ha_tracker_update_timeout_jitter_max.count();
        entry.jitter = std::chrono::milliseconds(
            static_cast<std::int64_t>(
                environment_.random.below(static_cast<std::uint64_t>(2 * jitter_max) + 1)
            ) -
            jitter_max
        );
        if (entry.other == elected.replica) entry.other.clear();
    }
    // A mark starts its own 30 minutes.
    if (is_new || changed || lives || !unmarked) entry.alive = environment_.clock.steady_now();
    HaTrackerMetrics& metrics = environment_.metrics;
    if (changed && !is_new) metrics.elected_changes.with({tenant, cluster})->inc();
    metrics.elected_timestamp.with({tenant, cluster})->set(seconds(elected.received_at));
    metrics.elected_change_timestamp.with({tenant, cluster})->set(seconds(elected.elected_at));
    entry.elected = std::move(elected);
    entry.version = version;
}

void HaTracker::forget(Tenants& tenants, std::string_view tenant, std::string_view cluster) {
    const auto of_tenant = tenants.clusters.find(tenant);
    if (of_tenant == tenants.clusters.end()) return;
    const auto at = of_tenant->second.find(cluster);
    if (at == of_tenant->second.end()) return;
    HaTrackerMetrics& metrics = environment_.metrics;
    metrics.elected_changes.remove({tenant, cluster});
    metrics.elected_timestamp.remove({tenant, cluster});
    metrics.elected_change_timestamp.remove({tenant, cluster});
    metrics.kv_writes.remove({tenant, cluster});
    of_tenant->second.erase(at);
    if (of_tenant->second.empty()) tenants.clusters.erase(of_tenant);
}

void HaTracker::updated(const kv::Update& update) {
    /// Tenant and cluster; tenants have no slash in their names.
    const auto split = [&](std::string_view key) {
        key.remove_prefix(prefix_.size());
        const std::size_t slash = std::min(key.find('/'), key.size());
        return std::pair(key.substr(0, slash), key.substr(std::min(slash + 1, key.size())));
    };
    tenants_.with([&](Tenants& tenants) {
        std::vector<std::string> gone = update.removed;
        if (update.complete) {
            const auto is_there = [&](const std::string& key) {
                return std::ranges::find(update.changed, key, &kv::Entry::key) !=
                       update.changed.end();
            };
            for (const auto& [tenant, clusters] : tenants.clusters) {
                for (const auto& [cluster, entry] : clusters) {
                    std::string key = key_of(tenant, cluster);
                    if (!is_there(key)) gone.push_back(std::move(key));
                }
            }
        }
        for (const std::string& key : gone) {
            const auto [tenant, cluster] = split(key);
            forget(tenants, tenant, cluster);
        }
        for (const kv::Entry& entry : update.changed) {
            const auto [tenant, cluster] = split(entry.key);
            auto elected = decode_elected_replica(entry.value);
            if (!elected) {
                environment_.log.error(
                    "an elected replica can't be read",
                    {{"user", tenant}, {"cluster", cluster}, {"err", elected.error()}}
                );
                continue;
            }
            take_over(tenants, tenant, cluster, *std::move(elected), entry.version);
        }
    });
}

void HaTracker::reachable(const Result<void>& state) {
    tenants_.with([&](Tenants& tenants) { tenants.reachable = state; });
}

std::vector<HaTracker::Status> HaTracker::status() const {
    return tenants_.with([&](const Tenants& tenants) {
        std::vector<Status> all;
        for (const auto& [tenant, clusters] : tenants.clusters) {
            const auto timeout = failover_timeout(*environment_.limits.of(tenant));
            for (const auto& [cluster, entry] : clusters) {
                if (entry.elected.deleted_at.ms != 0) continue;
                all.push_back({tenant, cluster, entry.elected, timeout});
            }
        }
        return all;
    });
}

}  // namespace mimir::distributor
