#include "components/flusher/module.hpp"

#include "components/flusher/flusher.hpp"

namespace mimir::flusher {
namespace {

class FlusherService final : public modules::Service {
  public:
    explicit FlusherService(const ModuleEnvironment& environment)
        : environment_(environment), scope_(environment.registry), metrics_(scope_) {}

    Result<void> start(const CancellationToken& cancel) override {
        const telemetry::Logger log = environment_.log.component("flusher");
        MIMIR_TRY(
            const std::size_t tenants,
            flush_all(
                environment_.dir,
                environment_.storage,
                {environment_.files, metrics_, log, environment_.clock},
                cancel
            )
        );
        log.info("all tenants flushed", {{"tenants", tenants}, {"dir", environment_.dir}});
        return {};
    }

    Result<void> run(std::stop_token) override { return {}; }

    Result<void> stop(std::chrono::milliseconds) override { return {}; }

  private:
    const ModuleEnvironment environment_;
    telemetry::MetricScope scope_;
    tsdb::Metrics metrics_;
};

}  // namespace

std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment) {
    return std::make_unique<FlusherService>(environment);
}

}  // namespace mimir::flusher
