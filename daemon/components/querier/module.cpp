#include "components/querier/module.hpp"

#include <optional>
#include <vector>

#include "components/querier/offers.hpp"
#include "components/querier/querier.hpp"
#include "components/querier/slots.hpp"
#include "rpc/query_runner_routes.hpp"

namespace mimir::querier {
namespace {

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
          membership_(
              kRingName,
              environment.place,
              environment.options.ring,
              {environment.files, environment.registry, log_}
          ) {}

    Result<void> start(const CancellationToken&) override {
        MIMIR_TRY(membership_.join());
        routes_ = rpc::register_query_runner_routes(
            environment_.internal,
            slots_,
            {environment_.executors.query, engine_options(environment_.options).parser}
        );
        published_.emplace(environment_.slot, slots_);
        membership_.activate();
        offers_.emplace(
            Offers::Options{.slots = environment_.options.max_concurrent},
            Offers::Environment{
                .schedulers = environment_.schedulers,
                .slots = slots_,
                .io = environment_.executors.io,
                .identity = environment_.place.identity,
                .log = log_
            }
        );
        return {};
    }

    Result<void> stop(std::chrono::milliseconds grace) override {
        offers_->take_back();
        membership_.leave();
        published_.reset();
        for (http::RouteRegistration& route : routes_) route.close(grace);
        offers_->stop();  // waits for the queries under way
        slots_.wait_until_quiet();
        return {};
    }

  private:
    const ModuleEnvironment environment_;
    const telemetry::Logger log_;
    telemetry::MetricScope scope_;
    Metrics metrics_;
    Querier querier_;
    Slots slots_;
    ring::Membership membership_;
    std::vector<http::RouteRegistration> routes_;
    std::optional<modules::Slot<rpc::TicketedQuerier>::Publication> published_;
    std::optional<Offers> offers_;
};

}  // namespace

std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment) {
    return std::make_unique<QuerierService>(environment);
}

}  // namespace mimir::querier
