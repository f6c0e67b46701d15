#include "components/querier/module.hpp"

#include <optional>

#include "components/querier/querier.hpp"

namespace mimir::querier {
namespace {

class QuerierService final : public modules::Service {
  public:
    explicit QuerierService(const ModuleEnvironment& environment)
        : scope_(environment.registry),
          metrics_(scope_),
          querier_(
              environment.options,
              {environment.limits,
               environment.ring,
               environment.ingesters,
               environment.executors.query,
               metrics_}
          ),
          slot_(environment.slot) {}

    Result<void> start(const CancellationToken&) override {
        published_.emplace(slot_, querier_);
        return {};
    }

    Result<void> stop(std::chrono::milliseconds) override {
        published_.reset();  // waits for the queries under way
        return {};
    }

  private:
    telemetry::MetricScope scope_;
    Metrics metrics_;
    Querier querier_;
    modules::Slot<rpc::QueryRunner>& slot_;
    std::optional<modules::Slot<rpc::QueryRunner>::Publication> published_;
};

}  // namespace

std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment) {
    return std::make_unique<QuerierService>(environment);
}

}  // namespace mimir::querier
