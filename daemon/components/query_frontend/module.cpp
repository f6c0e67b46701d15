#include "components/query_frontend/module.hpp"

#include <optional>
#include <vector>

#include "base/random.hpp"
#include "components/query_frontend/routes.hpp"
#include "ring/lifecycler.hpp"

namespace mimir::query_frontend {
namespace {

/// Query-frontends that were not heard of for so many heartbeat time-outs are forgotten.
constexpr int kForgetAfterTimeouts = 10;

ring::LifecyclerOptions ring_entry(const ModuleEnvironment& environment) {
    const ring::RingSettings& ring = environment.options.ring;
    return {
        .ring_name = std::string(kRingName),
        .prefix = environment.ring_prefix,
        .instance_id = environment.identity.id,
        .address = environment.identity.address,
        .zone = environment.identity.zone,
        .heartbeat_period = ring.heartbeat_period,
        .heartbeat_timeout = ring.heartbeat_timeout,
        .forget_after = kForgetAfterTimeouts * ring.heartbeat_timeout,
    };
}

class QueryFrontendService final : public modules::Service {
  public:
    explicit QueryFrontendService(const ModuleEnvironment& environment)
        : environment_(environment),
          scope_(environment.registry),
          metrics_(scope_),
          frontend_(
              environment.options,
              {environment.limits,
               environment.dispatch,
               environment.executors.query,
               metrics_,
               environment.log}
          ) {}

    Result<void> start(const CancellationToken&) override {
        lifecycler_.emplace(
            ring_entry(environment_),
            ring::Lifecycler::Environment{
                environment_.ring_store,
                environment_.files,
                environment_.log,
                environment_.registry,
                random_
            }
        );
        MIMIR_TRY(lifecycler_->join());
        routes_ = register_routes(environment_.router, environment_.tenancy, frontend_);
        if (auto active = lifecycler_->change_state(ring::InstanceState::active); !active) {
            environment_.log.warn(
                "the ring is told later that this query-frontend is active",
                {{"err", active.error()}}
            );
        }
        return {};
    }

    Result<void> stop(std::chrono::milliseconds grace) override {
        if (auto left = lifecycler_->leave(ring::Lifecycler::Entry::remove); !left) {
            environment_.log.warn(
                "this query-frontend is still in the ring", {{"err", left.error()}}
            );
        }
        for (http::RouteRegistration& route : routes_) route.close(grace);
        return {};
    }

  private:
    const ModuleEnvironment environment_;
    telemetry::MetricScope scope_;
    Metrics metrics_;
    QueryFrontend frontend_;
    SeededRandom random_{random_seed()};
    std::optional<ring::Lifecycler> lifecycler_;
    std::vector<http::RouteRegistration> routes_;
};

}  // namespace

std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment) {
    return std::make_unique<QueryFrontendService>(environment);
}

}  // namespace mimir::query_frontend
