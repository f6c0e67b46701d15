#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "config/declarer.hpp"
#include "telemetry/log.hpp"

namespace mimir::app {

/// The section `server`: where the process listens, and what it logs.
struct ServerOptions {
    std::string http_listen_address;
    std::uint16_t http_listen_port = 8080;
    std::size_t http_listen_conn_limit = 0;
    std::string internal_listen_address;
    std::uint16_t internal_listen_port = 9095;
    std::chrono::milliseconds http_server_read_timeout = std::chrono::seconds(30);
    std::chrono::milliseconds http_server_write_timeout = std::chrono::minutes(2);
    std::chrono::milliseconds http_server_idle_timeout = std::chrono::minutes(2);
    std::chrono::milliseconds graceful_shutdown_timeout = std::chrono::seconds(30);
    telemetry::LogLevel log_level = telemetry::LogLevel::info;
    telemetry::LogFormat log_format = telemetry::LogFormat::logfmt;
};

void declare(config::Declarer& d, ServerOptions& options);

}  // namespace mimir::app
