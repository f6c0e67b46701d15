#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/guarded.hpp"
#include "config/declarer.hpp"

namespace mimir::config {

/// What one tenant may do. Names and defaults are Mimir's; 0 means no limit unless said otherwise.
struct Limits {
    // Write path.
    double ingestion_rate = 10'000;  ///< samples, histograms, exemplars and metadata a second
    std::uint64_t ingestion_burst_size = 200'000;
    std::uint64_t max_label_name_length = 1024;   ///< bytes
    std::uint64_t max_label_value_length = 2048;  ///< bytes; also of a metric's name
    std::uint64_t max_label_names_per_series = 30;
    std::uint64_t max_label_names_per_info_series = 80;
    std::uint64_t max_metadata_length = 1024;  ///< bytes
    bool enforce_metadata_metric_name = true;
    std::chrono::milliseconds creation_grace_period = std::chrono::minutes(10);
    std::chrono::milliseconds past_grace_period{0};
    bool native_histograms_ingestion_enabled = true;
    std::uint64_t ingestion_tenant_shard_size = 0;  ///< ingesters; 0 means all
    bool accept_ha_samples = false;
    std::string ha_cluster_label = "cluster";
    std::string ha_replica_label = "__replica__";
    std::uint64_t ha_max_clusters = 100;
    std::chrono::milliseconds ha_tracker_update_timeout = std::chrono::seconds(15);
    std::chrono::milliseconds ha_tracker_update_timeout_jitter_max = std::chrono::seconds(5);
    /// At least the update time-out, its jitter and a second.
    std::chrono::milliseconds ha_tracker_failover_timeout = std::chrono::seconds(30);

    // Ingester.
    std::uint64_t max_global_series_per_user = 150'000;
    std::uint64_t max_global_metadata_per_user = 0;
    std::uint64_t max_global_metadata_per_metric = 0;
    std::uint64_t max_global_exemplars_per_user = 0;  ///< 0 means none are kept

    // Read path.
    std::uint64_t max_fetched_series_per_query = 0;
    std::uint64_t max_fetched_chunks_per_query = 2'000'000;
    std::uint64_t max_fetched_chunk_bytes_per_query = 0;
    std::chrono::milliseconds max_query_lookback{0};
    std::chrono::milliseconds query_ingesters_within = std::chrono::hours(13);
    std::chrono::milliseconds max_partial_query_length{0};
    std::chrono::milliseconds max_total_query_length{0};
    std::chrono::milliseconds max_labels_query_length{0};
    std::uint64_t max_query_parallelism = 14;
    std::uint64_t max_query_expression_size_bytes = 0;
    std::uint64_t max_series_query_limit = 0;
    std::uint64_t max_queriers_per_tenant = 0;

    bool operator==(const Limits&) const = default;
};

/// Under the key `limits`; every one may be overridden for a tenant.
void declare(Declarer& d, Limits& limits);

/// The tenants that have limits of their own.
using LimitsOverrides = std::map<std::string, std::shared_ptr<const Limits>, std::less<>>;

/// The limits in force. Ask where a limit is used instead of keeping a copy, so that a reload is
/// seen at once. Threads: any. Cost: a lock for one pointer's copy, and a search among the tenants
/// with overrides.
class LimitsProvider {
  public:
    explicit LimitsProvider(Limits defaults);

    /// The tenant's own limits, else the defaults; never null.
    [[nodiscard]] std::shared_ptr<const Limits> of(std::string_view tenant) const;
    [[nodiscard]] std::shared_ptr<const Limits> defaults() const { return defaults_.load(); }
    [[nodiscard]] std::shared_ptr<const LimitsOverrides> overrides() const {
        return overrides_.load();
    }

    /// The overrides stay as they are, with what they had of the former defaults.
    void replace_defaults(Limits defaults);
    void replace_overrides(LimitsOverrides overrides);

  private:
    Snapshot<Limits> defaults_;
    Snapshot<LimitsOverrides> overrides_;
};

}  // namespace mimir::config
