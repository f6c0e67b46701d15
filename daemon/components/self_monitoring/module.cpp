#include "components/self_monitoring/module.hpp"

#include "components/self_monitoring/self_monitoring.hpp"

namespace mimir::self_monitoring {
namespace {

class SelfMonitoringService final : public modules::Service {
  public:
    SelfMonitoringService(const ModuleEnvironment& environment, model::TenantId tenant)
        : environment_(environment),
          log_(environment.log.component("self-monitoring")),
          scraper_(environment.instance) {
        context_.tenant = std::move(tenant);
    }

    Result<void> start(const CancellationToken&) override { return {}; }

    Result<void> run(std::stop_token stop) override {
        do {
            if (const auto stored = store(); !stored) {
                log_.warn("own metrics not stored", {{"err", stored.error()}});
            }
        } while (sleep(stop, environment_.options.interval));
        return {};
    }

    Result<void> stop(std::chrono::milliseconds) override { return {}; }

  private:
    Result<void> store() {
        const auto distributor = environment_.distributor.get();
        if (!distributor) return fail(ErrorKind::unavailable, "the distributor does not run");
        auto request = std::make_shared<model::WriteRequest>(
            scraper_.scrape(environment_.registry.collect(), environment_.clock.now())
        );
        return rpc::wait_for<void>([&](rpc::Done<void> done) {
            distributor->push(context_, std::move(request), std::move(done));
        });
    }

    const ModuleEnvironment environment_;
    const telemetry::Logger log_;
    Scraper scraper_;
    rpc::RequestContext context_;
};

}  // namespace

Result<std::unique_ptr<modules::Service>> create_service(const ModuleEnvironment& environment) {
    MIMIR_TRY(auto tenant, model::TenantId::parse(environment.options.tenant));
    return std::make_unique<SelfMonitoringService>(environment, std::move(tenant));
}

}  // namespace mimir::self_monitoring
