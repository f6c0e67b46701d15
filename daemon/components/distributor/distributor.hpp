#pragma once

// The distributor takes pushes in: it decodes them, checks them against the tenant's limits, and hands each series to
// the ingesters that the ring says. It keeps nothing but caches and rate limits. No thread waits for the network: who
// pushes is told by a Done.

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/guarded.hpp"
#include "base/moving_rate.hpp"
#include "base/result.hpp"
#include "components/distributor/metrics.hpp"
#include "components/distributor/options.hpp"
#include "config/limits.hpp"
#include "model/tenant.hpp"
#include "model/write_request.hpp"
#include "ring/ring_view.hpp"
#include "rpc/distributor_client.hpp"
#include "rpc/ingester_directory.hpp"

namespace mimir::distributor {

class HaTracker;
struct ValidationOutcome;

/// What a distributor works with; all of it outlives the distributor.
struct Environment {
    const config::LimitsProvider& limits;
    /// The tenant's ingesters for writes: ring::Ring::write_shard.
    std::function<std::shared_ptr<const ring::RingView>(std::string_view tenant, std::size_t size)>
        write_shard;
    rpc::IngesterDirectory& ingesters;
    Metrics& metrics;
    /// How many distributors share the tenants' rate limits; unset: this one alone.
    std::function<std::size_t()> healthy_distributors = {};
    /// Null: samples of all replicas are taken, with their labels.
    HaTracker* ha_tracker = nullptr;
    const Clock& clock = system_clock();
};

class Distributor final : public rpc::DistributorClient {
  public:
    Distributor(Options options, Environment environment);
    /// As drain().
    ~Distributor() override;

    /// Takes the body of a remote-write 1.0 request: a snappy block, read until this returns.
    /// Errors: as push(); also invalid for torn and malformed bodies, limit for those that are too large
    ///         (kMessageTooLarge) or too many at once (kTooManyInflight, kTooManyInflightBytes, kMaxIngestionRate).
    /// Threads: any of the ingest pool.
    void push_remote_write(
        const rpc::RequestContext& context, std::string_view body, rpc::Done<void> done
    );

    /// Validates the request, which is changed by it, and passes it on.
    /// Errors: limit (kRateLimited), conflict (HaTracker::kNotElected) and unavailable, when nothing was stored.
    ///         Else the first refusal of the ingesters, or if there is none of the validation: then the rest of the
    ///         request is stored.
    void push(
        const rpc::RequestContext& context,
        std::shared_ptr<model::WriteRequest> request,
        rpc::Done<void> done
    ) override;

    /// Refuses what comes from now on, and returns when every ingester has answered, or its time is over: at most
    /// remote_timeout. Threads: those that may block.
    void drain();

    /// What is said of a body over max_recv_msg_size.
    [[nodiscard]] Error message_too_large() const;

    [[nodiscard]] const Options& options() const { return options_; }

    static constexpr std::string_view kMessageTooLarge = "distributor-max-write-message-size";
    static constexpr std::string_view kTooManyInflight = "distributor-max-inflight-push-requests";
    static constexpr std::string_view kTooManyInflightBytes =
        "distributor-max-inflight-push-requests-bytes";
    static constexpr std::string_view kMaxIngestionRate = "distributor-max-ingestion-rate";
    static constexpr std::string_view kRateLimited = "tenant-max-ingestion-rate";

  private:
    struct Tenant;
    class RequestPool;
    class Admission;

    Result<std::shared_ptr<Admission>> admit();
    Result<void> check_instance_limits(const Admission& admission) const;
    void push_admitted(
        const rpc::RequestContext& context,
        std::shared_ptr<model::WriteRequest> request,
        std::shared_ptr<Admission> admission,
        rpc::Done<void> done
    );
    void pass_on(
        const rpc::RequestContext& context,
        const config::Limits& limits,
        std::shared_ptr<const model::WriteRequest> request,
        std::shared_ptr<const void> held,
        rpc::Done<void> done
    );
    std::shared_ptr<Tenant> tenant(const model::TenantId& id);
    Result<void> deduplicate(
        const model::TenantId& id, const config::Limits& limits, model::WriteRequest& request
    );
    Result<void> check_rate(
        Tenant& tenant,
        const model::TenantId& id,
        const config::Limits& limits,
        const ValidationOutcome& outcome
    );

    const Options options_;
    const Environment environment_;
    /// Shared by all pushes under way; null once drained.
    Guarded<std::shared_ptr<const void>> open_;
    std::shared_future<void> drained_;
    std::atomic<std::size_t> inflight_ = 0;
    std::atomic<std::size_t> inflight_bytes_ = 0;
    mutable MovingRate ingestion_rate_;
    std::shared_ptr<RequestPool>
        requests_;  // requests outlive the distributor when a client keeps a batch
    Guarded<std::unordered_map<model::TenantId, std::shared_ptr<Tenant>>> tenants_;
};

}  // namespace mimir::distributor
