#pragma once

// Whose request it is.

#include <string>
#include <utility>

#include "http/error_status.hpp"
#include "http/message.hpp"
#include "http/router.hpp"
#include "model/tenant.hpp"

namespace mimir::http {

inline constexpr std::string_view kTenantHeader = "X-Scope-OrgID";

struct Tenancy {
    /// Each request names its tenant in X-Scope-OrgID; else all are of one tenant.
    bool multitenancy_enabled = true;
    /// The one tenant when multitenancy is off.
    std::string no_auth_tenant = "anonymous";

    /// Errors: invalid, for a missing or malformed tenant.
    [[nodiscard]] Result<model::TenantId> tenant_of(const Headers& headers) const {
        if (!multitenancy_enabled) return model::TenantId::parse(no_auth_tenant);
        return model::TenantId::parse(headers.get(kTenantHeader).value_or(""));
    }
};

namespace detail {
inline asio::awaitable<Response> respond(Response response) { co_return response; }
}  // namespace detail

/// The handler for requests of tenants: it finds the context's tenant set. A request without a tenant is answered
/// with 401, one with a malformed tenant with 400.
inline Handler for_tenants(Tenancy tenancy, Handler handler) {
    return [tenancy = std::move(tenancy), handler = std::move(handler)](Request& request) {
        auto tenant = tenancy.tenant_of(request.headers);
        if (!tenant) {
            const bool named = !request.headers.get(kTenantHeader).value_or("").empty();
            return detail::respond(Response::text(named ? 400 : 401, tenant.error().message + "\n")
            );
        }
        request.context.tenant = *std::move(tenant);
        return handler(request);
    };
}

}  // namespace mimir::http
