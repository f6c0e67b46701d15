#include "app/server_options.hpp"

namespace mimir::app {

void declare(config::Declarer& d, ServerOptions& o) {
    using config::Category;
    using telemetry::LogFormat;
    using telemetry::LogLevel;
    using namespace std::chrono_literals;
    d.option(
        o.http_listen_address,
        {
            .key = "server.http_listen_address",
            .help = "Address to listen on: a name, an IPv4 or an IPv6 address. Empty for every "
                    "address of the machine.",
        }
    );
    d.option(
        o.http_listen_port,
        {
            .key = "server.http_listen_port",
            .help = "Port to listen on. 0 lets the system pick one, which the log then names.",
        }
    );
    d.option(
        o.http_listen_conn_limit,
        {
            .key = "server.http_listen_conn_limit",
            .flag = "server.http-conn-limit",
            .help = "Most connections at once; one more is closed. 0 for no limit.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.internal_listen_address,
        {
            .key = "server.internal_listen_address",
            .help = "Address on which other processes of the cluster reach this one. Empty for "
                    "every address of the machine.",
            .category = Category::advanced,
            .needs_process = true,
        }
    );
    d.option(
        o.internal_listen_port,
        {
            .key = "server.internal_listen_port",
            .help = "Port for calls between processes of the cluster; keep it from clients. It is "
                    "opened when a ring is shared over etcd or common.instance_addr is set; "
                    "else the processes of a host talk over sockets in the state folder.",
            .needs_process = true,
        }
    );
    d.option(
        o.http_server_read_timeout,
        {
            .key = "server.http_server_read_timeout",
            .flag = "server.http-read-timeout",
            .help = "How long a client may take to send a request's head, and its body. Large "
                    "bodies get more time as "
                    "long as they make progress.",
            .category = Category::advanced,
            .min = 100ms,
        }
    );
    d.option(
        o.http_server_write_timeout,
        {
            .key = "server.http_server_write_timeout",
            .flag = "server.http-write-timeout",
            .help = "How long a client may take to read a response. Large responses get more time "
                    "as long as they "
                    "make progress.",
            .category = Category::advanced,
            .min = 100ms,
        }
    );
    d.option(
        o.http_server_idle_timeout,
        {
            .key = "server.http_server_idle_timeout",
            .flag = "server.http-idle-timeout",
            .help = "How long a connection may stay open without a request.",
            .category = Category::advanced,
            .min = 100ms,
        }
    );
    d.option(
        o.graceful_shutdown_timeout,
        {
            .key = "server.graceful_shutdown_timeout",
            .help = "How long a module that stops waits for its requests in flight, before it "
                    "cancels them.",
            .category = Category::advanced,
            .needs_process = true,
        }
    );
    d.option(
        o.log_level,
        {
            .key = "server.log_level",
            .flag = "log.level",
            .help = "Least severe lines to log.",
            .names =
                {{"debug", LogLevel::debug},
                 {"info", LogLevel::info},
                 {"warn", LogLevel::warn},
                 {"error", LogLevel::error}},
            .reloadable = true,
        }
    );
    d.option(
        o.log_format,
        {
            .key = "server.log_format",
            .flag = "log.format",
            .help = "How log lines are written.",
            .names = {{"logfmt", LogFormat::logfmt}, {"json", LogFormat::json}},
            .needs_process = true,
        }
    );
}

}  // namespace mimir::app
