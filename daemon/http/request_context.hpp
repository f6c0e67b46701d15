#pragma once

#include <optional>
#include <string>

#include "base/cancellation.hpp"
#include "model/tenant.hpp"

namespace mimir::http {

/// What a request carries through every component that works for it; passed first. Copies share the
/// cancellation.
struct RequestContext {
    std::optional<model::TenantId> tenant;
    /// Canceled when the client goes away or the server's drain ends; also carries the deadline.
    CancellationToken cancellation;
    /// From the traceparent header; empty when the request has none.
    std::string trace_id;
};

/// Empty when there is none.
inline std::string tenant_of(const RequestContext& context) {
    return context.tenant ? context.tenant->str() : std::string();
}

}  // namespace mimir::http
