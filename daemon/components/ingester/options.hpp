#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "config/declarer.hpp"
#include "config/findings.hpp"
#include "ring/options.hpp"
#include "tsdb/db.hpp"

namespace mimir::ingester {

/// How many of each this ingester takes, whatever the tenants may; 0 for no limit.
struct InstanceLimits {
    double max_ingestion_rate = 0;
    std::uint64_t max_tenants = 0;
    std::uint64_t max_series = 0;
    std::uint64_t max_inflight_push_requests = 30'000;
};

struct Options {
    std::string dir = "./tsdb/";
    std::vector<std::string> block_ranges_period = {"2h"};
    std::chrono::milliseconds retention_period = std::chrono::hours(13);
    std::chrono::milliseconds head_compaction_interval = std::chrono::minutes(1);
    bool flush_blocks_on_shutdown = false;

    tsdb::WalSync wal_sync = tsdb::WalSync::none;
    std::chrono::milliseconds wal_sync_interval = std::chrono::seconds(1);
    std::uint64_t wal_segment_size_bytes = 128 << 20;
    unsigned wal_replay_concurrency = 0;
    std::uint64_t head_chunks_write_buffer_size_bytes = 256 << 10;

    std::chrono::milliseconds metadata_retain_period = std::chrono::minutes(10);

    InstanceLimits instance_limits;
    ring::RingSettings ring;
};

void declare(config::Declarer& d, Options& options);
void validate(const Options& options, config::Findings& findings);

/// block_ranges_period as durations; the first is the range of blocks cut from a head.
/// Errors: invalid, unless each is a multiple of the one before it.
Result<std::vector<std::chrono::milliseconds>> block_ranges(const Options& options);

/// How a tenant is kept, for whoever opens one. Errors: those of block_ranges().
Result<tsdb::TsdbOptions> storage_options(const Options& options);

}  // namespace mimir::ingester
