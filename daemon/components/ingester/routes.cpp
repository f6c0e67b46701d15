#include "components/ingester/routes.hpp"

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

}  // namespace

std::vector<http::RouteRegistration> register_routes(
    http::Router& router, Ingester& ingester, runtime::Pool& background
) {
    std::vector<http::RouteRegistration> routes;
    routes.push_back(router.add({
        .methods = {http::Method::post},  // Mimir takes GET too; here no GET changes state
        .pattern = "/ingester/flush",
        .module = "ingester",
        .handler = [&ingester,
                    &background](Request& request) { return flush(ingester, background, request); },
    }));
    return routes;
}

}  // namespace mimir::ingester
