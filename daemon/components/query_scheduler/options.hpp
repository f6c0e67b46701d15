#pragma once

#include <chrono>
#include <cstddef>

#include "config/declarer.hpp"
#include "config/findings.hpp"
#include "ring/options.hpp"

namespace mimir::query_scheduler {

struct Options {
    std::size_t max_outstanding_requests_per_tenant = 100;
    std::chrono::milliseconds querier_forget_delay{0};
    /// Of the ring that says which schedulers there are.
    ring::RingSettings ring;
};

void declare(config::Declarer& d, Options& options);
void validate(const Options& options, config::Findings& findings);

}  // namespace mimir::query_scheduler
