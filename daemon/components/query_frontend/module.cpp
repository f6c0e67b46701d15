#include "components/query_frontend/module.hpp"

#include <vector>

#include "components/query_frontend/routes.hpp"

namespace mimir::query_frontend {
namespace {

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
          ),
          membership_(
              kRingName,
              environment.place,
              environment.options.ring,
              {environment.files, environment.registry, environment.log}
          ) {}

    Result<void> start(const CancellationToken&) override {
        MIMIR_TRY(membership_.join());
        routes_ = register_routes(environment_.router, environment_.tenancy, frontend_);
        membership_.activate();
        return {};
    }

    Result<void> stop(std::chrono::milliseconds grace) override {
        membership_.leave();
        for (http::RouteRegistration& route : routes_) route.close(grace);
        return {};
    }

  private:
    const ModuleEnvironment environment_;
    telemetry::MetricScope scope_;
    Metrics metrics_;
    QueryFrontend frontend_;
    ring::Membership membership_;
    std::vector<http::RouteRegistration> routes_;
};

}  // namespace

std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment) {
    return std::make_unique<QueryFrontendService>(environment);
}

}  // namespace mimir::query_frontend
