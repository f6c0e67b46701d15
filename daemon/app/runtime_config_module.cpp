#include "app/runtime_config_module.hpp"

#include "app/wiring.hpp"
#include "config/runtime_config.hpp"

namespace mimir::app {
namespace {

using http::Response;

http::asio::awaitable<Response> answer(Response response) { co_return response; }

class RuntimeConfigService final : public modules::Service {
  public:
    explicit RuntimeConfigService(Wiring& wiring)
        : wiring_(wiring),
          log_(wiring.log.component("runtime-config")),
          scope_(wiring.registry),
          last_reload_successful_(scope_.gauge(
              "cortex_runtime_config_last_reload_successful",
              "Whether the last reading of the runtime configuration succeeded."
          )) {}

    Result<void> start(const CancellationToken&) override {
        MIMIR_TRY(load());
        route_ = wiring_.router.add({
            .methods = {http::Method::get},
            .pattern = "/runtime_config",
            .module = "runtime-config",
            .handler = [this](http::Request& request) { return answer(show(request)); },
        });
        return {};
    }

    Result<void> run(std::stop_token stop) override {
        while (sleep(stop, wiring_.settings()->runtime_config.period)) {
            if (const auto loaded = load(); !loaded) {
                log_.error(
                    "runtime config not reloaded, the last good one stays",
                    {{"err", loaded.error()}}
                );
            }
        }
        return {};
    }

    Result<void> stop(std::chrono::milliseconds grace) override {
        route_.close(grace);
        wiring_.limits.replace_overrides({});
        return {};
    }

  private:
    Result<void> load() {
        auto loaded = load_overrides(wiring_);
        last_reload_successful_.set(loaded ? 1 : 0);
        return loaded;
    }

    [[nodiscard]] Response show(const http::Request& request) const {
        if (wiring_.settings()->runtime_config.files.empty()) {
            return Response::text(404, "runtime_config.file names no file\n");
        }
        const bool only_different = request.query.get("mode") == "diff";
        return Response::text(
            200,
            print_overrides(*wiring_.limits.overrides(), wiring_.settings()->limits, only_different)
        );
    }

    Wiring& wiring_;
    const telemetry::Logger log_;
    telemetry::MetricScope scope_;
    telemetry::Gauge& last_reload_successful_;
    http::RouteRegistration route_;
};

}  // namespace

Result<void> load_overrides(Wiring& wiring) {
    const auto settings = wiring.settings();
    std::vector<config::NamedText> files;
    for (const std::string& path : settings->runtime_config.files) {
        MIMIR_TRY(std::string text, wiring.files.read_file(path));
        files.push_back({path, std::move(text)});
    }
    MIMIR_TRY(auto overrides, config::parse_overrides(files, settings->limits));
    wiring.limits.replace_overrides(std::move(overrides));
    return {};
}

std::unique_ptr<modules::Service> create_runtime_config_service(Wiring& wiring) {
    return std::make_unique<RuntimeConfigService>(wiring);
}

}  // namespace mimir::app
