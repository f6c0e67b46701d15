#include "components/ingester/routes.hpp"

#include <nlohmann/json.hpp>

#include "http/error_status.hpp"
#include "runtime/run_on.hpp"

namespace mimir::ingester {
namespace {

using http::Request;
using http::Response;

Response refusal(const Error& error) {
    return Response::text(http::error_status(error.kind).status, error.message + "\n");
}

Result<std::vector<model::TenantId>> tenants_of(const http::Parameters& form) {
    std::vector<model::TenantId> tenants;
    for (const std::string_view name : form.all("tenant")) {
        MIMIR_TRY(auto tenant, model::TenantId::parse(name));
        tenants.push_back(std::move(tenant));
    }
    return tenants;
}

/// With wait=true it answers when all is flushed, else at once.
http::asio::awaitable<Response> flush(
    Ingester& ingester, runtime::Pool& background, Request& request
) {
    const auto form = request.form();
    if (!form) co_return refusal(form.error());
    auto tenants = tenants_of(*form);
    if (!tenants) co_return refusal(tenants.error());
    if (form->get_or("wait", "") != "true") {
        ingester.request_flush(*std::move(tenants));
        co_return Response{.status = 204};
    }
    auto job = [&ingester, &tenants]() -> Result<void> {
        ingester.flush(*tenants);
        return {};
    };
    const Result<void> done = co_await runtime::run_on(background, job);
    co_return done ? Response{.status = 204} : refusal(done.error());
}

Response no_content() { return Response{.status = 204}; }

Response answer(const Result<void>& done) { return done ? no_content() : refusal(done.error()); }

http::asio::awaitable<Response> shut_down(Controlled controlled) {
    controlled.plan.stop_for_good();
    // The stop waits for this very request: so it is asked for, not awaited.
    controlled.stop_module();
    co_return no_content();
}

http::asio::awaitable<Response> prepare_shutdown(
    Controlled controlled, runtime::Pool& background, Request& request
) {
    if (request.method == http::Method::get) {
        co_return Response::text(200, controlled.plan.prepared() ? "set\n" : "unset\n");
    }
    const bool prepare = request.method == http::Method::post;
    auto job = [&controlled, prepare] {
        return prepare ? controlled.plan.prepare() : controlled.plan.revert();
    };
    const Result<void> done = co_await runtime::run_on(background, job);
    if (done) controlled.metrics.prepared_for_shutdown.set(prepare ? 1 : 0);
    co_return answer(done);
}

Response unregister_state(const ShutdownPlan& plan) {
    return Response::json(200, nlohmann::json{{"unregister", plan.unregister()}}.dump());
}

http::asio::awaitable<Response> unregister_on_shutdown(Controlled controlled, Request& request) {
    if (request.method == http::Method::delete_) controlled.plan.set_unregister({});
    if (request.method == http::Method::put) {
        const auto body = nlohmann::json::parse(request.body, nullptr, false);
        const bool valid =
            body.is_object() && body.contains("unregister") && body["unregister"].is_boolean();
        if (!valid) {
            co_return Response::text(400, "expected {\"unregister\": true} or false\n");
        }
        controlled.plan.set_unregister(body["unregister"].get<bool>());
    }
    co_return unregister_state(controlled.plan);
}

Response read_only_state(const ring::Instance& instance) {
    const std::int64_t since = instance.read_only ? instance.read_only_updated.ms / 1000 : 0;
    return Response::json(200, nlohmann::json{{"timestamp", since}}.dump());
}

/// Read-only: no new series, while those that are here are still read.
http::asio::awaitable<Response> prepare_downscale(
    Controlled controlled, runtime::Pool& background, Request& request
) {
    ring::Lifecycler& lifecycler = controlled.lifecycler;
    if (request.method != http::Method::get) {
        const bool read_only = request.method == http::Method::post;
        auto job = [&lifecycler, read_only] { return lifecycler.set_read_only(read_only); };
        const Result<void> done = co_await runtime::run_on(background, job);
        if (!done) co_return refusal(done.error());
    }
    co_return read_only_state(lifecycler.instance());
}

}  // namespace

std::vector<http::RouteRegistration> register_routes(
    http::Router& router, const Controlled& controlled, runtime::Pool& background
) {
    using http::Method;
    std::vector<http::RouteRegistration> routes;
    const auto add = [&](http::MethodSet methods, std::string pattern, http::Handler handler) {
        routes.push_back(router.add({
            .methods = methods,
            .pattern = std::move(pattern),
            .module = "ingester",
            .handler = std::move(handler),
        }));
    };
    // Mimir takes GET for a flush too; here no GET changes state.
    add({Method::post},
        "/ingester/flush",
        [&ingester = controlled.ingester, &background](Request& request) {
            return flush(ingester, background, request);
        });
    add({Method::post}, "/ingester/shutdown", [controlled](Request&) {
        return shut_down(controlled);
    });
    add({Method::get, Method::post, Method::delete_},
        "/ingester/prepare-shutdown",
        [controlled, &background](Request& request) {
            return prepare_shutdown(controlled, background, request);
        });
    add({Method::get, Method::put, Method::delete_},
        "/ingester/unregister-on-shutdown",
        [controlled](Request& request) { return unregister_on_shutdown(controlled, request); });
    add({Method::get, Method::post, Method::delete_},
        "/ingester/prepare-instance-ring-downscale",
        [controlled, &background](Request& request) {
            return prepare_downscale(controlled, background, request);
        });
    return routes;
}

}  // namespace mimir::ingester
