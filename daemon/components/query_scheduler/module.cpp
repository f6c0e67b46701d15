#include "components/query_scheduler/module.hpp"

#include <optional>
#include <vector>

#include "components/query_scheduler/query_scheduler.hpp"
#include "ring/lifecycler.hpp"
#include "rpc/query_scheduler_routes.hpp"

namespace mimir::query_scheduler {
namespace {

/// Schedulers that were not heard of for so many heartbeat time-outs are forgotten.
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

class QuerySchedulerService final : public modules::Service {
  public:
    explicit QuerySchedulerService(const ModuleEnvironment& environment)
        : environment_(environment),
          log_(environment.log.component("query-scheduler")),
          scope_(environment.registry),
          metrics_(scope_),
          scheduler_(
              environment.options,
              {.limits = environment.limits, .io = environment.executors.io, .metrics = metrics_}
          ),
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
        routes_ = rpc::register_query_scheduler_routes(environment_.internal, scheduler_);
        published_.emplace(environment_.slot, scheduler_);
        if (auto active = lifecycler_.change_state(ring::InstanceState::active); !active) {
            log_.warn("the ring is told later that it is active", {{"err", active.error()}});
        }
        return {};
    }

    /// Those that wait are told at once: they go to another scheduler, or come again to the next one here.
    Result<void> stop(std::chrono::milliseconds grace) override {
        if (auto left = lifecycler_.leave(ring::Lifecycler::Entry::remove); !left) {
            log_.warn("it is still in the ring", {{"err", left.error()}});
        }
        scheduler_.stop();
        published_.reset();
        for (http::RouteRegistration& route : routes_) route.close(grace);
        return {};
    }

  private:
    const ModuleEnvironment environment_;
    const telemetry::Logger log_;
    SeededRandom random_{random_seed()};
    telemetry::MetricScope scope_;
    Metrics metrics_;
    QueryScheduler scheduler_;
    ring::Lifecycler lifecycler_;
    std::vector<http::RouteRegistration> routes_;
    std::optional<modules::Slot<rpc::QueryScheduler>::Publication> published_;
};

}  // namespace

std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment) {
    return std::make_unique<QuerySchedulerService>(environment);
}

}  // namespace mimir::query_scheduler
