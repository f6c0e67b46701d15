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
              {environment.limits, environment.querier, environment.executors.query, metrics_}
          ) {}

    Result<void> start(const CancellationToken&) override {
        routes_ = register_routes(environment_.router, environment_.tenancy, frontend_);
        return {};
    }

    Result<void> stop(std::chrono::milliseconds grace) override {
        for (http::RouteRegistration& route : routes_) route.close(grace);
        return {};
    }

  private:
    const ModuleEnvironment environment_;
    telemetry::MetricScope scope_;
    Metrics metrics_;
    QueryFrontend frontend_;
    std::vector<http::RouteRegistration> routes_;
};

}  // namespace

std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment) {
    return std::make_unique<QueryFrontendService>(environment);
}

}  // namespace mimir::query_frontend
