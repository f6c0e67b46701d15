#pragma once

#include <cstdint>
#include <string>

#include "admin/routes.hpp"
#include "http/message.hpp"

namespace mimir::admin {

/// A line with the operation for each of its versions after `after`, until it has ended.
http::Response watch_operation(
    const RouteEnvironment& environment,
    std::string id,
    std::uint64_t after,
    CancellationToken cancellation
);

/// A line for each event after the cursor, for as long as the client listens.
http::Response follow_events(
    const RouteEnvironment& environment, std::uint64_t cursor, CancellationToken cancellation
);

}  // namespace mimir::admin
