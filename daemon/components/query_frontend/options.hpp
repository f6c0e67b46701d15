#pragma once

#include <string>

#include "config/declarer.hpp"

namespace mimir::query_frontend {

struct Options {
    std::string prometheus_http_prefix = "/prometheus";
};

void declare(config::Declarer& d, Options& options);

}  // namespace mimir::query_frontend
