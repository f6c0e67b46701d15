#pragma once

#include <chrono>
#include <cstddef>

#include "config/declarer.hpp"
#include "kv/options.hpp"
#include "ring/options.hpp"

namespace mimir::distributor {

struct Options {
    std::size_t max_recv_msg_size = 100 << 20;
    std::chrono::milliseconds remote_timeout = std::chrono::seconds(2);
    std::size_t max_inflight_push_requests = 2000;
    std::size_t max_inflight_push_requests_bytes = 0;
    double max_ingestion_rate = 0;
    std::size_t validated_series_max = 4 << 20;

    bool ha_tracker_enabled = false;
    kv::OwnOptions ha_tracker_store;

    /// Says which distributors there are.
    ring::RingSettings ring;

    bool retry_after_enabled = true;
    std::chrono::milliseconds retry_after_min_backoff = std::chrono::seconds(6);
    std::chrono::milliseconds retry_after_max_backoff = std::chrono::seconds(96);
};

void declare(config::Declarer& d, Options& options);
void validate(const Options& options, const kv::Options& common_store, config::Findings& findings);

}  // namespace mimir::distributor
