#include "components/distributor/module.hpp"

#include <optional>

#include "components/distributor/routes.hpp"

namespace mimir::distributor {
namespace {

class DistributorService final : public modules::Service {
  public:
    explicit DistributorService(const ModuleEnvironment& environment)
        : environment_(environment),
          scope_(environment.registry),
          metrics_(scope_),
          distributor_(
              environment.options,
              {environment.limits,
               [&ring = environment.ingester_ring](std::string_view tenant, std::size_t size) {
                   return ring.write_shard(tenant, size);
               },
               environment.ingesters,
               metrics_}
          ) {}

    Result<void> start(const CancellationToken&) override {
        routes_ = register_routes(
            environment_.router, environment_.tenancy, distributor_, environment_.executors.ingest
        );
        published_.emplace(environment_.slot, distributor_);
        return {};
    }

    Result<void> stop(std::chrono::milliseconds grace) override {
        published_.reset();
        for (http::RouteRegistration& route : routes_) route.close(grace);
        return {};
    }

  private:
    const ModuleEnvironment environment_;
    telemetry::MetricScope scope_;
    Metrics metrics_;
    Distributor distributor_;
    std::vector<http::RouteRegistration> routes_;
    std::optional<modules::Slot<rpc::DistributorClient>::Publication> published_;
};

}  // namespace

std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment) {
    return std::make_unique<DistributorService>(environment);
}

}  // namespace mimir::distributor
