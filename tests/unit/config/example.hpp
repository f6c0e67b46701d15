#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "config/declarer.hpp"

namespace mimir::config {

/// A component's options with one setting of each type.
struct Example {
    enum class Sync { none, interval, always };

    std::vector<std::string> target = {"all"};
    bool enabled = true;
    std::uint16_t port = 8080;
    int offset = -1;
    double ratio = 0.5;
    std::chrono::milliseconds timeout = std::chrono::seconds(2);
    std::uint64_t size = 100 << 20;
    Sync sync = Sync::interval;
    std::string dir = "./data";
    std::string password;
    bool verbose = false;
};

inline void declare(Declarer& d, Example& o) {
    d.option(o.target, {.key = "target", .help = "What to run."});
    d.option(o.enabled, {.key = "server.enabled", .flag = "server.on", .help = "Serve."});
    d.option(o.port, {.key = "server.http_port", .help = "Port.", .min = 1});
    d.option(o.offset, {.key = "server.offset", .help = "Offset.", .category = Category::advanced});
    d.option(o.ratio, {.key = "store.ratio", .help = "Ratio.", .min = 0, .max = 1});
    d.option(
        o.timeout,
        {.key = "server.timeout", .help = "Time-out.", .min = std::chrono::milliseconds(1)}
    );
    d.option(o.size, {.key = "store.size", .help = "Size.", .unit = Unit::bytes});
    d.option(
        o.sync,
        {.key = "store.wal.sync",
         .help = "Sync.",
         .names =
             {{"none", Example::Sync::none},
              {"interval", Example::Sync::interval},
              {"always", Example::Sync::always}}}
    );
    d.option(o.dir, {.key = "store.dir", .help = "Folder."});
    d.option(o.password, {.key = "store.password", .help = "Password.", .secret = true});
    d.option(o.verbose, {.flag = "verbose", .help = "Talk."});
}

}  // namespace mimir::config
