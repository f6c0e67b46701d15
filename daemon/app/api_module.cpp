#include "app/api_module.hpp"

#include <fmt/format.h>

#include <concepts>

#include "app/build_info.hpp"
#include "app/pages.hpp"
#include "app/wiring.hpp"
#include "config/print.hpp"
#include "runtime/run_on.hpp"
#include "telemetry/process_metrics.hpp"

namespace mimir::app {
namespace {

using http::Request;
using http::Response;
using http::asio::awaitable;

constexpr std::string_view kPrometheusPrefix = "/prometheus";

Response html(std::string body) {
    return {.headers = {{"Content-Type", "text/html; charset=utf-8"}}, .body = std::move(body)};
}

awaitable<Response> answer(Response response) { co_return response; }

/// A handler of a function that has its answer at once.
template <std::invocable<const Request&> F>
http::Handler at_once(F respond) {
    return [respond = std::move(respond)](Request& request) { return answer(respond(request)); };
}

Response ready(const Wiring& wiring) {
    if (wiring.stopping) return Response::text(503, "Application is stopping\n");
    const auto not_running = wiring.manager->not_running();
    if (not_running.empty()) return Response::text(200, "ready\n");
    return Response::text(
        503, fmt::format("Some services are not Running:\n{}\n", fmt::join(not_running, "\n"))
    );
}

Response services(const Wiring& wiring, const Request& request) {
    const auto modules = wiring.manager->list();
    const auto accepted = request.headers.get("Accept").value_or("");
    if (accepted.find("application/json") != std::string_view::npos) {
        return Response::json(200, services_json(modules, wiring.clock.now()));
    }
    return html(services_page(modules, wiring.clock.now()));
}

Response config(const Wiring& wiring, const Request& request) {
    const auto loaded = wiring.loaded.load();
    const auto mode = request.query.get("mode").value_or("");
    if (mode.empty())
        return Response::text(200, print_yaml(loaded->declared, config::Printed::effective));
    if (mode == "diff")
        return Response::text(200, print_yaml(loaded->declared, config::Printed::diff));
    if (mode == "defaults")
        return Response::text(200, print_yaml(loaded->declared, config::Printed::defaults));
    return Response::text(
        400, fmt::format("unknown mode \"{}\": diff and defaults are known\n", mode)
    );
}

/// Callbacks take locks of what they look at, so not on the event loop.
awaitable<Response> metrics(Wiring& wiring) {
    auto job = [&registry = wiring.registry]() -> Result<std::string> {
        return expose(registry.collect());
    };
    auto text = co_await runtime::run_on(wiring.executors.admin, std::move(job));
    if (!text) co_return Response::text(503, text.error().message + "\n");
    Response response = Response::text(200, *std::move(text));
    response.headers.set("Content-Type", telemetry::kExpositionContentType);
    co_return response;
}

void declare_build_info(telemetry::MetricScope& scope, std::string_view name) {
    const BuildInfo info = build_info();
    auto& family = scope.gauges(
        name, "Always 1; what was built is in the labels.", {"version", "revision", "branch"}
    );
    family.with({info.version, info.revision, info.branch})->set(1);
}

class ApiService final : public modules::Service {
  public:
    explicit ApiService(Wiring& wiring) : wiring_(wiring), scope_(wiring.registry) {
        telemetry::declare_process_metrics(scope_);
        declare_build_info(scope_, "cortex_build_info");
        declare_build_info(scope_, "mimir_build_info");
    }

    Result<void> start(const CancellationToken&) override {
        add("/ready", at_once([this](const Request&) { return ready(wiring_); }));
        add("/services",
            at_once([this](const Request& request) { return services(wiring_, request); }));
        add("/config",
            at_once([this](const Request& request) { return config(wiring_, request); }));
        add("/metrics", [this](Request&) { return metrics(wiring_); });
        const auto buildinfo = [](const Request&) { return Response::json(200, buildinfo_json()); };
        add("/api/v1/status/buildinfo", at_once(buildinfo));
        add(std::string(kPrometheusPrefix) + "/api/v1/status/buildinfo", at_once(buildinfo));
        return {};
    }

    Result<void> stop(std::chrono::milliseconds grace) override {
        for (http::RouteRegistration& route : routes_) route.close(grace);
        return {};
    }

  private:
    void add(std::string pattern, http::Handler handler) {
        routes_.push_back(wiring_.router.add({
            .methods = {http::Method::get},
            .pattern = std::move(pattern),
            .module = "api",
            .handler = std::move(handler),
        }));
    }

    Wiring& wiring_;
    telemetry::MetricScope scope_;
    std::vector<http::RouteRegistration> routes_;
};

}  // namespace

std::unique_ptr<modules::Service> create_api_service(Wiring& wiring) {
    return std::make_unique<ApiService>(wiring);
}

}  // namespace mimir::app
