#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "config/declarer.hpp"
#include "config/findings.hpp"
#include "ring/options.hpp"

namespace mimir::query_frontend {

struct Options {
    std::string prometheus_http_prefix = "/prometheus";

    /// 0: range queries are not split.
    std::chrono::milliseconds split_queries_by_interval = std::chrono::hours(24);
    std::size_t max_retries = 5;
    /// 0: none; less: all.
    std::chrono::milliseconds log_queries_longer_than{0};
    bool query_stats_enabled = true;

    /// Says which query-frontends there are.
    ring::RingSettings ring;
};

void declare(config::Declarer& d, Options& options);
void validate(const Options& options, config::Findings& findings);

}  // namespace mimir::query_frontend
