#pragma once

#include <string>

#include "ctl/context.hpp"
#include "http/client.hpp"

namespace mimir::ctl {

/// Where a daemon's public API is.
struct PublicApi {
    http::Endpoint endpoint;
    /// Path before all others; empty, or "/x".
    std::string base;
    /// Path of Prometheus' API.
    std::string prometheus_prefix = "/prometheus";
};

/// --url, which may have a path, else what the daemon says of itself.
/// Errors: usage; not found, while the daemon does not serve it; those of asking the daemon.
Outcome<PublicApi> find_public_api(Context& context);

/// Sends with --tenant. The body of an answer that is a success.
/// Errors: what the answer says, with the exit code for its status; unreachable.
Outcome<std::string> send_public(
    Context& context, const PublicApi& api, http::ClientRequest request
);

}  // namespace mimir::ctl
