#pragma once

// The ingester keeps the newest data of all tenants: a Tsdb each, in a folder named after the tenant, opened at start or
// with the first push. Invariants:
//
//   - A tenant whose folder exists is either open or known to have failed: reads never take it for empty.
//   - Tenants once open stay open as long as the ingester.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/guarded.hpp"
#include "base/moving_rate.hpp"
#include "components/ingester/local_share.hpp"
#include "components/ingester/metrics.hpp"
#include "components/ingester/options.hpp"
#include "config/limits.hpp"
#include "fs/file_system.hpp"
#include "model/tenant.hpp"
#include "rpc/ingester_client.hpp"
#include "telemetry/log.hpp"
#include "tsdb/db.hpp"

namespace mimir::ingester {

/// What an ingester works with; all of it outlives the ingester.
struct Environment {
    fs::FileSystem& files;
    const config::LimitsProvider& limits;
    Metrics& metrics;
    telemetry::Registry& registry;
    telemetry::Logger log;
    const Clock& clock = system_clock();
    /// Of the ring now; unset: this ingester is the only one.
    std::function<RingShape()> ring_shape = {};
    /// Told how far the opening of a tenant is, for people. Threads: any.
    std::function<void(std::string)> progress = {};
};

class Ingester final {
  public:
    /// Opens the storage of every tenant that has a folder, several at a time. A tenant that can't be opened is logged
    /// and answered with unavailable until it can.
    /// Errors: invalid options; those of listing the folder; canceled.
    static Result<std::unique_ptr<Ingester>> open(
        Options options, Environment environment, const CancellationToken& cancel
    );
    ~Ingester();
    Ingester(const Ingester&) = delete;
    Ingester& operator=(const Ingester&) = delete;

    /// What rpc::IngesterClient says of each.
    /// Errors: of a push also unavailable, for the limits of this instance ("ingester-max-...").
    /// Threads: any; calls block, for the disk at most.
    Result<void> push(const rpc::RequestContext& context, const model::WriteRequest& request);
    Result<std::unique_ptr<chunkenc::SeriesSet>> select(
        const rpc::RequestContext& context, const model::Matchers& matchers, TimeRange range
    );
    Result<std::vector<model::Labels>> series(
        const rpc::RequestContext& context,
        std::span<const model::Matchers> selectors,
        TimeRange range
    );
    Result<std::vector<std::string>> label_names(
        const rpc::RequestContext& context, const model::Matchers& matchers, TimeRange range
    );
    Result<std::vector<std::string>> label_values(
        const rpc::RequestContext& context,
        std::string_view name,
        const model::Matchers& matchers,
        TimeRange range
    );
    Result<std::vector<model::SeriesExemplars>> exemplars(
        const rpc::RequestContext& context,
        std::span<const model::Matchers> selectors,
        TimeRange range
    );
    Result<std::vector<model::MetricMetadata>> metadata(
        const rpc::RequestContext& context, const rpc::MetadataQuery& query
    );

    /// What has to be done every head_compaction_interval: blocks are cut, merged and deleted, old metadata is
    /// forgotten. Failures are logged and counted. Returns early once `stop` says so.
    void compact(const std::function<bool()>& stop);
    /// Syncs the write-ahead logs, for WalSync::interval.
    void sync();
    /// Writes the heads of these tenants, or of all when there are none, to blocks. Failures are logged.
    void flush(std::span<const model::TenantId> tenants);
    /// The same, done by the next run_requested_flushes().
    void request_flush(std::vector<model::TenantId> tenants);
    void run_requested_flushes();
    [[nodiscard]] bool flush_requested() const;

    [[nodiscard]] const Options& options() const { return options_; }

  private:
    struct Tenant;
    using TenantPtr = std::shared_ptr<Tenant>;
    struct Tenants {
        std::unordered_map<model::TenantId, TenantPtr> open;
        std::unordered_map<model::TenantId, Error> failed;
    };

    Ingester(Options options, tsdb::TsdbOptions storage, Environment environment);
    Result<void> open_existing(const CancellationToken& cancel);
    Result<TenantPtr> open_tenant(const model::TenantId& id, unsigned replay_threads);
    Result<TenantPtr> open_storage(const model::TenantId& id, unsigned replay_threads);
    Result<TenantPtr> tenant_for_push(const model::TenantId& id);
    Result<void> check_instance_limits(std::size_t inflight_before) const;
    /// What the tenant may have here; no more than there are when this instance is full.
    [[nodiscard]] std::uint64_t max_series(
        const Tenant& tenant, const config::Limits& limits, bool instance_full
    ) const;
    [[nodiscard]] bool series_limit_reached() const;
    [[nodiscard]] std::uint64_t share_of(std::uint64_t global, const config::Limits& limits) const;
    [[nodiscard]] tl::unexpected<Error> refuse_for(std::string_view id, std::string_view what)
        const;
    /// Null for a tenant that has no data.
    Result<TenantPtr> tenant_for_read(const rpc::RequestContext& context) const;
    [[nodiscard]] std::vector<TenantPtr> open_tenants() const;
    void store_metadata(Tenant& tenant, const model::WriteRequest& request);
    void expose(telemetry::MetricScope& scope);

    const Options options_;
    const tsdb::TsdbOptions storage_;
    const Environment environment_;
    std::atomic<std::size_t> inflight_pushes_ = 0;
    mutable MovingRate ingestion_rate_;
    std::mutex opening_;  // held while a push opens a tenant
    Guarded<Tenants> tenants_;
    Guarded<std::vector<std::vector<model::TenantId>>> requested_flushes_;
    telemetry::MetricScope observed_;  // reads the tenants: ends before them
};

}  // namespace mimir::ingester
