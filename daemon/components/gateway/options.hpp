#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "config/declarer.hpp"

namespace mimir::gateway {

struct Options {
    /// Empty: requests need no credentials.
    std::string auth_file;
    std::chrono::milliseconds auth_reload_period = std::chrono::seconds(10);

    std::chrono::milliseconds refresh_period = std::chrono::seconds(1);
    std::chrono::milliseconds connect_timeout = std::chrono::seconds(2);
    std::chrono::milliseconds stall_timeout = std::chrono::seconds(150);
    std::size_t retries_max = 2;
    std::chrono::milliseconds failure_backoff = std::chrono::seconds(1);

    /// 0: a request that no instance can take is refused at once.
    std::chrono::milliseconds parking_timeout = std::chrono::seconds(5);
    std::size_t parked_requests_limit = 1000;

    std::size_t instance_requests_limit = 1000;
    std::size_t instance_idle_connections_limit = 64;
    /// 0: what the instances say.
    std::size_t body_bytes_limit = 0;
};

void declare(config::Declarer& d, Options& options);

}  // namespace mimir::gateway
