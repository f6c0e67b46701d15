#pragma once

// One tenant's storage: a head, which takes samples in, and the blocks that were cut from it. Reads
// see both as one.
//
//     <dir>/lock  wal/  chunks_head/  <ULID>/...  quarantine/
//
// Invariants:
//  * A sample leaves the head only after the block that holds it is durable. A crash in between
//  leaves it in both;
//    then the head forgets it when it opens, and readers take one of two samples of the same time.
//  * A folder named by a ULID is a whole block: blocks are written under another name, synced, and
//  renamed.

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/guarded.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "chunkenc/series_set.hpp"
#include "fs/file_system.hpp"
#include "model/matcher.hpp"
#include "telemetry/log.hpp"
#include "tsdb/block/block_meta.hpp"
#include "tsdb/head/head.hpp"
#include "tsdb/metrics.hpp"

namespace mimir::tsdb {

class Block;
class BlockSeriesSet;

struct TsdbOptions {
    /// head.min_valid_time is set from the blocks.
    HeadOptions head;
    /// Age, since they were written, at which blocks are deleted; 0 keeps them for ever. Mimir's
    /// default.
    std::chrono::milliseconds retention = std::chrono::hours(13);
    /// Ranges, ascending and above head.block_range, into which blocks are merged once they are
    /// complete. Without any, only blocks that overlap are merged.
    std::vector<std::chrono::milliseconds> merge_ranges;
};

/// What a Tsdb works with; all of it outlives the Tsdb.
struct TsdbEnvironment {
    fs::FileSystem& files;
    const Clock& clock;
    Metrics& metrics;
    telemetry::Logger log;  ///< With the tenant as its field or component.
    std::uint64_t random_seed = mimir::random_seed();  ///< Of the blocks' names.
};

struct TsdbStats {
    HeadStats head;
    std::uint64_t blocks = 0;
    std::uint64_t block_bytes = 0;  ///< On disk.
};

/// Threads: any, each operation.
class Tsdb {
  public:
    /// Opens or begins the storage in `dir`: takes the lock, removes what half-done work left,
    /// opens the blocks (those that are damaged are moved to quarantine/) and the head (which
    /// repairs itself). Errors: conflict when another process holds the folder; those of the file
    /// system.
    static Result<std::unique_ptr<Tsdb>> open(
        TsdbEnvironment environment, fs::Path dir, TsdbOptions options
    );
    ~Tsdb();
    Tsdb(const Tsdb&) = delete;
    Tsdb& operator=(const Tsdb&) = delete;

    /// As Head::append.
    Result<AppendOutcome> append(const model::WriteRequest& request, const AppendLimits& limits);
    /// For WalSync::interval.
    Result<void> sync();

    /// The series that match and have chunks in the range, of head and blocks. The set must not
    /// outlive the Tsdb. Cost: when one source has all of the data, its own; else a hash of each
    /// label set. Chunks are neither decoded nor, from blocks, copied.
    Result<std::unique_ptr<chunkenc::SeriesSet>> select(
        const model::Matchers& matchers, TimeRange range
    );
    /// Label sets of the series for which all matchers of any selector hold. Sorted, unique.
    Result<std::vector<model::Labels>> series(
        std::span<const model::Matchers> selectors, TimeRange range
    );
    /// Of series that match (without matchers: of all). Sorted, unique. Blocks that overlap the
    /// range count whole.
    Result<std::vector<std::string>> label_names(const model::Matchers& matchers, TimeRange range);
    Result<std::vector<std::string>> label_values(
        std::string_view name, const model::Matchers& matchers, TimeRange range
    );
    [[nodiscard]] std::vector<SeriesExemplars> exemplars(
        std::span<const model::Matchers> selectors, TimeRange range
    ) const;

    /// What has to be done every minute or so: cuts blocks from a head that spans more than 1.5
    /// block ranges, merges blocks, deletes old ones. One call at a time works; others wait.
    /// Errors: those of the first step that failed; it is tried again by the next call, and nothing
    /// is lost.
    Result<void> compact();
    /// Writes all of the head to blocks, however little. Samples older than the newest are refused
    /// from then on.
    Result<void> flush();

    [[nodiscard]] const Head& head() const { return *head_; }
    /// Sorted by start time.
    [[nodiscard]] std::vector<BlockMeta> blocks() const;
    [[nodiscard]] TsdbStats stats() const;

  private:
    using Blocks = std::vector<std::shared_ptr<const Block>>;

    Tsdb(TsdbEnvironment environment, fs::Path dir, TsdbOptions options);
    Result<void> open_blocks();
    Result<void> quarantine(const std::string& name, const Error& reason);
    Result<void> open_head();

    static void sort_by_start(Blocks& blocks);

    Result<void> cut_blocks();
    /// The head's oldest sample that is in no block.
    [[nodiscard]] std::optional<TimestampMs> oldest_uncut() const;
    Result<void> cut_block(TimestampMs oldest, TimestampMs end);
    /// Null when there is nothing to write.
    Result<std::shared_ptr<const Block>> write_block(TimestampMs begin, TimestampMs end);
    Result<void> truncate_head();
    Result<void> merge_blocks();
    Result<void> merge(const Blocks& parents);
    Result<void> delete_old_blocks();
    Result<void> delete_block(const Block& block);
    /// Makes readers see another list of blocks; those who hold the old one keep it.
    void publish(const Blocks& gone, std::shared_ptr<const Block> added);
    void announce(
        std::string_view what, const BlockMeta& meta, std::chrono::steady_clock::time_point started
    );
    [[nodiscard]] std::chrono::milliseconds block_range() const {
        return options_.head.block_range;
    }
    [[nodiscard]] Result<std::vector<std::unique_ptr<BlockSeriesSet>>> select_from_blocks(
        const model::Matchers& matchers, TimeRange range
    ) const;

    const TsdbEnvironment environment_;
    const fs::Path dir_;
    const TsdbOptions options_;
    std::unique_ptr<fs::FileLock> lock_;
    Snapshot<Blocks> blocks_;  // sorted by start time
    std::unique_ptr<Head> head_;

    std::mutex compaction_mutex_;  // one compaction at a time; guards what follows
    SeededRandom random_;
    TimestampMs cut_through_ = TimestampMs::min();  // samples before it are in blocks
    bool truncation_due_ = false;  // the head still holds what is before cut_through_
    std::set<Ulid> unmergeable_;   // damaged inside: trying again would not help
};

}  // namespace mimir::tsdb
