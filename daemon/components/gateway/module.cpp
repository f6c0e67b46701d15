#include "components/gateway/module.hpp"

#include <algorithm>
#include <optional>

#include "components/gateway/routes.hpp"

namespace mimir::gateway {
namespace {

std::shared_ptr<Metrics> share_metrics(telemetry::Registry& registry) {
    struct Shared {
        explicit Shared(telemetry::Registry& r) : scope(r), metrics(scope) {}
        telemetry::MetricScope scope;
        Metrics metrics;
    };
    auto shared = std::make_shared<Shared>(registry);
    return {shared, &shared->metrics};
}

class GatewayService final : public modules::Service {
  public:
    explicit GatewayService(const ModuleEnvironment& environment)
        : environment_(environment),
          log_(environment.log.component("gateway")),
          metrics_(share_metrics(environment.registry)),
          routes_(environment.instance) {
        if (!environment.options.auth_file.empty()) {
            authenticator_.emplace(environment.files, environment.options.auth_file);
        }
        gateway_.emplace(Gateway::Environment{
            .options = environment.options,
            .modules = environment.modules,
            .discover = environment.discover,
            .router = environment.router,
            .routes = routes_,
            .authenticator = authenticator_ ? &*authenticator_ : nullptr,
            .metrics = metrics_,
            .io = environment.executors.io,
            .tls = environment.tls,
        });
    }

    Result<void> start(const CancellationToken&) override {
        if (authenticator_) MIMIR_TRY(reload());
        gateway_->refresh();
        registrations_ =
            register_routes(environment_.router, *gateway_, environment_.options.body_bytes_limit);
        published_.emplace(environment_.slot, routes_);
        return {};
    }

    Result<void> run(std::stop_token stop) override {
        auto reloaded_at = std::chrono::steady_clock::now();
        while (sleep(stop, period())) {
            gateway_->refresh();
            const auto now = std::chrono::steady_clock::now();
            if (!authenticator_ || now - reloaded_at < environment_.options.auth_reload_period) {
                continue;
            }
            reloaded_at = now;
            report(reload());
        }
        return {};
    }

    Result<void> stop(std::chrono::milliseconds grace) override {
        published_.reset();
        gateway_->end_parking();
        for (http::RouteRegistration& registration : registrations_) registration.close(grace);
        return {};
    }

  private:
    [[nodiscard]] std::chrono::milliseconds period() const {
        const Options& options = environment_.options;
        return authenticator_ ? std::min(options.refresh_period, options.auth_reload_period)
                              : options.refresh_period;
    }

    Result<void> reload() {
        const auto reloaded = authenticator_->reload();
        metrics_->auth_last_reload_successful.set(reloaded ? 1 : 0);
        if (!reloaded) return tl::unexpected(reloaded.error());
        if (*reloaded) {
            log_.info("credentials loaded", {{"file", environment_.options.auth_file}});
        }
        return {};
    }

    /// Once for each mistake, however often the file is read until it is mended.
    void report(const Result<void>& reloaded) {
        const std::string problem = reloaded ? "" : reloaded.error().message;
        if (!problem.empty() && problem != reported_) {
            log_.error("credentials not reloaded, the last good ones stay", {{"err", problem}});
        }
        reported_ = problem;
    }

    const ModuleEnvironment environment_;
    const telemetry::Logger log_;
    const std::shared_ptr<Metrics> metrics_;
    RouteTable routes_;
    std::optional<Authenticator> authenticator_;
    std::optional<Gateway> gateway_;
    std::string reported_;
    std::vector<http::RouteRegistration> registrations_;
    std::optional<modules::Slot<RouteTable>::Publication> published_;
};

}  // namespace

std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment) {
    return std::make_unique<GatewayService>(environment);
}

}  // namespace mimir::gateway
