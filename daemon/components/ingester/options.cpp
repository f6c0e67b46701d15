#include "components/ingester/options.hpp"

namespace mimir::ingester {

using config::Category;
using namespace std::chrono_literals;

namespace {

void declare_wal(config::Declarer& d, Options& o) {
    d.option(
        o.wal_sync,
        {
            .key = "blocks_storage.tsdb.wal_sync",
            .help =
                "When an acknowledged sample is safe from a power cut: none (when the operating "
                "system has written it), interval (wal_sync_interval later) or always (at once). "
                "It "
                "is always safe from a crash of this process.",
            .names =
                {{"none", tsdb::WalSync::none},
                 {"interval", tsdb::WalSync::interval},
                 {"always", tsdb::WalSync::always}},
        }
    );
    d.option(
        o.wal_sync_interval,
        {
            .key = "blocks_storage.tsdb.wal_sync_interval",
            .help = "How often the write-ahead log is synced when wal_sync is interval.",
            .category = Category::advanced,
            .min = 10ms,
        }
    );
    d.option(
        o.wal_segment_size_bytes,
        {
            .key = "blocks_storage.tsdb.wal_segment_size_bytes",
            .help = "Largest segment of the write-ahead log.",
            .category = Category::advanced,
            .unit = config::Unit::bytes,
            .min = 128 << 10,
        }
    );
    d.option(
        o.wal_replay_concurrency,
        {
            .key = "blocks_storage.tsdb.wal_replay_concurrency",
            .help = "Threads that replay the write-ahead logs at start. 0 for as many as there are "
                    "processors.",
            .category = Category::advanced,
        }
    );
}

void declare_instance_limits(config::Declarer& d, InstanceLimits& o) {
    d.option(
        o.max_ingestion_rate,
        {
            .key = "ingester.instance_limits.max_ingestion_rate",
            .help = "Most samples that this ingester takes in a second, on average; pushes over it "
                    "are refused, to be sent again. 0 for no limit.",
            .category = Category::advanced,
            .min = 0.0,
        }
    );
    d.option(
        o.max_tenants,
        {
            .key = "ingester.instance_limits.max_tenants",
            .help = "Most tenants of this ingester; pushes of others are refused, to be sent "
                    "again. 0 for no limit.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.max_series,
        {
            .key = "ingester.instance_limits.max_series",
            .help = "Most series in memory, of all tenants; pushes of others are refused, to be "
                    "sent again. 0 for no limit.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.max_inflight_push_requests,
        {
            .key = "ingester.instance_limits.max_inflight_push_requests",
            .help = "Most pushes under way at once; more are refused, to be sent again. 0 for no "
                    "limit.",
            .category = Category::advanced,
        }
    );
}

}  // namespace

void declare(config::Declarer& d, Options& o) {
    d.option(
        o.dir,
        {
            .key = "blocks_storage.tsdb.dir",
            .help = "Folder of the tenants' write-ahead logs and local blocks.",
        }
    );
    d.option(
        o.block_ranges_period,
        {
            .key = "blocks_storage.tsdb.block_ranges_period",
            .help = "Time ranges of local blocks: the first is cut from the head, into the others "
                    "blocks are merged.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.retention_period,
        {
            .key = "blocks_storage.tsdb.retention_period",
            .help = "How long local blocks are kept. 0 keeps them for ever.",
        }
    );
    d.option(
        o.head_compaction_interval,
        {
            .key = "blocks_storage.tsdb.head_compaction_interval",
            .help = "How often it is checked whether a head has enough for a block.",
            .category = Category::advanced,
            .min = 1000ms,
            .max = 15min,
        }
    );
    d.option(
        o.flush_blocks_on_shutdown,
        {
            .key = "blocks_storage.tsdb.flush_blocks_on_shutdown",
            .help = "Write all of the heads to blocks when the ingester stops.",
            .category = Category::advanced,
        }
    );
    declare_wal(d, o);
    d.option(
        o.head_chunks_write_buffer_size_bytes,
        {
            .key = "blocks_storage.tsdb.head_chunks_write_buffer_size_bytes",
            .help =
                "Full chunks are gathered to so many bytes before they leave memory for a file.",
            .category = Category::advanced,
            .unit = config::Unit::bytes,
            .min = 64 << 10,
        }
    );
    d.option(
        o.metadata_retain_period,
        {
            .key = "ingester.metadata_retain_period",
            .help = "How long metadata is kept after it was last received.",
            .category = Category::advanced,
        }
    );
    declare_instance_limits(d, o.instance_limits);
    ring::declare(d, o.ring, "ingester.ring", "ingester.ring", ring::RingKind::tokens);
}

Result<std::vector<std::chrono::milliseconds>> block_ranges(const Options& options) {
    std::vector<std::chrono::milliseconds> ranges;
    for (const std::string& text : options.block_ranges_period) {
        MIMIR_TRY(const config::Value value, config::parse_value(config::Type::duration, text));
        const auto range = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::get<std::chrono::nanoseconds>(value)
        );
        if (range <= 0ms || (!ranges.empty() && range % ranges.back() != 0ms)) {
            return fail(ErrorKind::invalid, "{} is no multiple of the range before it", text);
        }
        ranges.push_back(range);
    }
    if (ranges.empty()) return fail(ErrorKind::invalid, "at least one range is needed");
    return ranges;
}

Result<tsdb::TsdbOptions> storage_options(const Options& options) {
    MIMIR_TRY(const auto ranges, block_ranges(options));
    tsdb::TsdbOptions storage;
    storage.head.block_range = ranges.front();
    storage.head.wal = {.sync = options.wal_sync, .segment_bytes = options.wal_segment_size_bytes};
    storage.head.chunk_write_buffer_bytes = options.head_chunks_write_buffer_size_bytes;
    storage.retention = options.retention_period;
    storage.merge_ranges.assign(ranges.begin() + 1, ranges.end());
    return storage;
}

void validate(const Options& options, config::Findings& findings) {
    if (auto ranges = block_ranges(options); !ranges) {
        findings.add("blocks_storage.tsdb.block_ranges_period", ranges.error().message);
    }
    ring::validate(options.ring, "ingester.ring", findings);
}

}  // namespace mimir::ingester
