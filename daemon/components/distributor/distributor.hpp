#pragma once

// The distributor takes pushes in: it decodes them, checks them against the tenant's limits, and hands what is good to
// the ingester. It keeps nothing but caches and rate limits.

#include <atomic>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/guarded.hpp"
#include "base/result.hpp"
#include "components/distributor/metrics.hpp"
#include "components/distributor/options.hpp"
#include "config/limits.hpp"
#include "model/tenant.hpp"
#include "model/write_request.hpp"
#include "modules/slot.hpp"
#include "rpc/distributor_client.hpp"
#include "rpc/ingester_client.hpp"

namespace mimir::distributor {

struct ValidationOutcome;

/// What a distributor works with; all of it outlives the distributor.
struct Environment {
    const config::LimitsProvider& limits;
    const modules::Slot<rpc::IngesterClient>& ingester;
    Metrics& metrics;
    const Clock& clock = system_clock();
};

class Distributor final : public rpc::DistributorClient {
  public:
    Distributor(Options options, Environment environment);
    ~Distributor() override;

    /// Takes the body of a remote-write 1.0 request: a snappy block.
    /// Errors: as push(); also invalid for torn and malformed bodies, limit for those that are too large
    ///         (kMessageTooLarge) or too many at once (kTooManyInflight).
    /// Threads: any of the ingest pool.
    Result<void> push_remote_write(const rpc::RequestContext& context, std::string_view body);

    /// Validates the request, which is changed by it, and passes it on.
    /// Errors: limit (kRateLimited) and unavailable, when nothing was stored. Else the first refusal of the ingester, or
    ///         if there is none of the validation: then the rest of the request is stored.
    Result<void> push(const rpc::RequestContext& context, model::WriteRequest& request);
    void push(
        const rpc::RequestContext& context,
        std::shared_ptr<model::WriteRequest> request,
        rpc::Done<void> done
    ) override;

    /// What is said of a body over max_recv_msg_size.
    [[nodiscard]] Error message_too_large() const;

    [[nodiscard]] const Options& options() const { return options_; }

    static constexpr std::string_view kMessageTooLarge = "distributor-max-write-message-size";
    static constexpr std::string_view kTooManyInflight = "distributor-max-inflight-push-requests";
    static constexpr std::string_view kRateLimited = "tenant-max-ingestion-rate";

  private:
    struct Tenant;
    class RequestPool;

    std::shared_ptr<Tenant> tenant(const model::TenantId& id);
    Result<void> check_rate(
        Tenant& tenant,
        const model::TenantId& id,
        const config::Limits& limits,
        const ValidationOutcome& outcome
    );

    const Options options_;
    const Environment environment_;
    std::atomic<std::size_t> inflight_ = 0;
    std::unique_ptr<RequestPool> requests_;
    Guarded<std::unordered_map<model::TenantId, std::shared_ptr<Tenant>>> tenants_;
};

}  // namespace mimir::distributor
