#pragma once

#include <chrono>
#include <string_view>

#include "base/random.hpp"
#include "components/distributor/options.hpp"

namespace mimir::distributor {

/// How long the sender of a refused request should wait: doubled with each attempt, give or take a half so that senders
/// do not come back all at once, and within the options' bounds.
/// `attempt` is the request's Retry-Attempt header.
std::chrono::seconds retry_after(const Options& options, std::string_view attempt, Random& random);

}  // namespace mimir::distributor
