#include "components/query_scheduler/module.hpp"

#include <optional>
#include <vector>

#include "components/query_scheduler/query_scheduler.hpp"
#include "rpc/query_scheduler_routes.hpp"

namespace mimir::query_scheduler {
namespace {

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
          membership_(
              kRingName,
              environment.place,
              environment.options.ring,
              {environment.files, environment.registry, log_}
          ) {}

    Result<void> start(const CancellationToken&) override {
        MIMIR_TRY(membership_.join());
        routes_ = rpc::register_query_scheduler_routes(environment_.internal, scheduler_);
        published_.emplace(environment_.slot, scheduler_);
        membership_.activate();
        return {};
    }

    /// Those that wait are told at once: they go to another scheduler, or come again to the next one here.
    Result<void> stop(std::chrono::milliseconds grace) override {
        membership_.leave();
        scheduler_.stop();
        published_.reset();
        for (http::RouteRegistration& route : routes_) route.close(grace);
        return {};
    }

  private:
    const ModuleEnvironment environment_;
    const telemetry::Logger log_;
    telemetry::MetricScope scope_;
    Metrics metrics_;
    QueryScheduler scheduler_;
    ring::Membership membership_;
    std::vector<http::RouteRegistration> routes_;
    std::optional<modules::Slot<rpc::QueryScheduler>::Publication> published_;
};

}  // namespace

std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment) {
    return std::make_unique<QuerySchedulerService>(environment);
}

}  // namespace mimir::query_scheduler
