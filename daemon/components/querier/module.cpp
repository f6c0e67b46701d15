#include "components/querier/module.hpp"

#include <optional>
#include <vector>

#include "components/querier/offers.hpp"
#include "components/querier/querier.hpp"
#include "components/querier/slots.hpp"
#include "ring/lifecycler.hpp"
#include "rpc/query_runner_routes.hpp"

namespace mimir::querier {
namespace {

/// Queriers that were not heard of for so many heartbeat time-outs are forgotten.
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

class QuerierService final : public modules::Service {
  public:
    explicit QuerierService(const ModuleEnvironment& environment)
        : environment_(environment),
          log_(environment.log.component("querier")),
          scope_(environment.registry),
          metrics_(scope_),
          querier_(
              environment.options,
              {environment.limits,
               environment.ring,
               environment.ingesters,
               environment.executors.query,
               metrics_}
          ),
          slots_(querier_),
          lifecycler_(
              ring_entry(environment),
              {environment.ring_store,
               environment.files,
               environment.log,
               environment.registry,
               random_}
          ) {}

    Result<void> start(const CancellationToken&) override {
        MIMIR_TRY(lifecycler_.join());
        routes_ = rpc::register_query_runner_routes(
            environment_.internal,
            slots_,
            {environment_.executors.query, engine_options(environment_.options).parser}
        );
        published_.emplace(environment_.slot, slots_);
        if (auto active = lifecycler_.change_state(ring::InstanceState::active); !active) {
            log_.warn("the ring is told later that it is active", {{"err", active.error()}});
        }
        offers_.emplace(
            Offers::Options{.slots = environment_.options.max_concurrent},
            Offers::Environment{
                .schedulers = environment_.schedulers,
                .slots = slots_,
                .io = environment_.executors.io,
                .identity = environment_.identity,
                .log = log_
            }
        );
        return {};
    }

    Result<void> stop(std::chrono::milliseconds grace) override {
        offers_->take_back();
        if (auto left = lifecycler_.leave(ring::Lifecycler::Entry::remove); !left) {
            log_.warn("it is still in the ring", {{"err", left.error()}});
        }
        published_.reset();
        for (http::RouteRegistration& route : routes_) route.close(grace);
        offers_->stop();  // waits for the queries under way
        slots_.wait_until_quiet();
        return {};
    }

  private:
    const ModuleEnvironment environment_;
    const telemetry::Logger log_;
    SeededRandom random_{random_seed()};
    telemetry::MetricScope scope_;
    Metrics metrics_;
    Querier querier_;
    Slots slots_;
    ring::Lifecycler lifecycler_;
    std::vector<http::RouteRegistration> routes_;
    std::optional<modules::Slot<rpc::TicketedQuerier>::Publication> published_;
    std::optional<Offers> offers_;
};

}  // namespace

std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment) {
    return std::make_unique<QuerierService>(environment);
}

}  // namespace mimir::querier
