#pragma once

#include <string>

#include "api/endpoint.hpp"
#include "ctl/context.hpp"

namespace mimir::ctl {

/// A request that changes something, and all that the options about changes say: plan, revision, waiting, exit code.
struct Change {
    const api::Endpoint& endpoint;
    /// Of the path.
    std::string subject = {};
    /// JSON.
    std::string body = {};
};

Outcome<ExitCode> make_change(Context& context, const Change& change);

/// A random UUID (version 4).
std::string new_idempotency_key();

}  // namespace mimir::ctl
