#pragma once

#include <chrono>
#include <string>

#include "config/declarer.hpp"

namespace mimir::self_monitoring {

struct Options {
    bool enabled = false;
    std::string tenant = "anonymous";
    std::chrono::milliseconds interval = std::chrono::seconds(15);
};

void declare(config::Declarer& d, Options& options);

}  // namespace mimir::self_monitoring
