#pragma once

#include <string>

#include "api/endpoint.hpp"
#include "ctl/context.hpp"

namespace mimir::ctl {

/// One operation with its steps.
Outcome<ExitCode> show_operation(Context& context, const std::string& id);

/// Asks something of an operation that is under way (an endpoint that takes its id and gives the operation), and waits
/// for its end unless --no-wait says otherwise. Where the request was to cancel it, canceled is a success.
Outcome<ExitCode> steer_operation(
    Context& context, const api::Endpoint& endpoint, const std::string& id
);

}  // namespace mimir::ctl
