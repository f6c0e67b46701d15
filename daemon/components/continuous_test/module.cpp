#include "components/continuous_test/module.hpp"

#include "components/continuous_test/continuous_test.hpp"

namespace mimir::continuous_test {
namespace {

Options with_endpoints(const ModuleEnvironment& environment) {
    Options options = environment.options;
    if (options.write_endpoint.empty()) options.write_endpoint = environment.own_write_endpoint;
    if (options.read_endpoint.empty()) options.read_endpoint = environment.own_read_endpoint;
    return options;
}

class ContinuousTestService final : public modules::Service {
  public:
    explicit ContinuousTestService(const ModuleEnvironment& environment)
        : environment_(environment), scope_(environment.registry), metrics_(scope_) {}

    Result<void> create() {
        MIMIR_TRY(
            test_,
            ContinuousTest::create(
                with_endpoints(environment_),
                {metrics_, environment_.log.component("continuous-test"), environment_.clock}
            )
        );
        return {};
    }

    Result<void> start(const CancellationToken& cancel) override {
        if (!environment_.options.smoke_test) return {};
        MIMIR_TRY(with_context(test_->run_once(cancel), "smoke test"));
        return cancel.check();
    }

    Result<void> run(std::stop_token stop) override {
        if (environment_.options.smoke_test) return {};
        auto cancel = CancellationToken::create();
        const std::stop_callback cancels(stop, [&cancel] { cancel.cancel(); });
        do {
            (void)test_->run_once(cancel);  // failures are counted and logged
        } while (sleep(stop, environment_.options.run_interval));
        return {};
    }

    Result<void> stop(std::chrono::milliseconds) override { return {}; }

  private:
    const ModuleEnvironment environment_;
    telemetry::MetricScope scope_;
    Metrics metrics_;
    std::unique_ptr<ContinuousTest> test_;
};

}  // namespace

Result<std::unique_ptr<modules::Service>> create_service(const ModuleEnvironment& environment) {
    auto service = std::make_unique<ContinuousTestService>(environment);
    MIMIR_TRY(service->create());
    return service;
}

}  // namespace mimir::continuous_test
