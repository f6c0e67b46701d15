#pragma once

// The head: the newest hours of one tenant's series, in memory and in the write-ahead log. Samples
// enter here, queries read them from here, and every two hours the oldest of them leave for a
// block.
//
// Series live in shards, chosen by the hash of their labels; a shard is a plain single-threaded
// class with its own table, labels, postings and chunk memory, behind one lock. Full chunks leave
// memory for files (chunks_head/).
//
// A request is logged before it is applied: what queries see, the log has. Between its check and
// its application a series belongs to one request alone (others that touch it wait), so that the
// log's order is the order of application, replay takes the same decisions again, and a failed
// write of the log has nothing to undo. See docs/adr/0007-head.md.

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "chunkenc/series_set.hpp"
#include "fs/file_system.hpp"
#include "model/exemplar.hpp"
#include "model/matcher.hpp"
#include "model/write_request.hpp"
#include "tsdb/wal/wal.hpp"

namespace mimir::tsdb {

namespace detail {
struct HeadState;
}

struct ReplayProgress {
    std::uint32_t segments_done = 0;
    std::uint32_t segments_total = 0;
};

struct HeadOptions {
    /// Chunks end at multiples of it, so that a block of this range takes whole chunks.
    std::chrono::milliseconds block_range = std::chrono::hours(2);
    /// Older samples are in blocks: replay skips them, append refuses them.
    TimestampMs min_valid_time = TimestampMs::min();
    /// A power of two. More shards let more threads append at once; each costs some 10 KiB once
    /// it has series.
    std::uint32_t shard_count = 4;
    /// Newest exemplars kept; 0 stores none.
    std::size_t max_exemplars = 0;
    WalOptions wal;
    /// Full chunks are gathered to so many bytes before they are written out.
    std::size_t chunk_write_buffer_bytes = 256 << 10;
    /// How long truncate() waits for selections of the time that it drops.
    std::chrono::milliseconds reader_wait_max = std::chrono::minutes(5);
    /// Threads that replay the log.
    unsigned replay_threads = 2;
    std::function<void(const ReplayProgress&)> on_replay_progress;
};

/// What open() found on disk.
struct ReplayReport {
    std::uint64_t series = 0;
    std::uint64_t samples = 0;          ///< Of floats and histograms, read from the log.
    std::uint64_t chunks = 0;           ///< Taken over from chunk files.
    std::uint64_t unknown_series = 0;   ///< Samples whose series record was dropped or lost.
    std::uint64_t unknown_records = 0;  ///< Of types that are not known here.
    /// What was damaged or missing, and what was done about it: for the log and a metric, an entry
    /// each.
    std::vector<std::string> damages;
    std::chrono::microseconds took{};
};

struct AppendLimits {
    /// Series of the tenant on this instance; 0 is no limit.
    std::size_t max_series = 0;
};

enum class Refusal : std::uint8_t {
    out_of_order,
    duplicate_timestamp,
    too_old,
    series_limit,
    exemplar_out_of_order,
    exemplar_series_missing
};
inline constexpr std::size_t kRefusalCount = 6;

struct AppendOutcome {
    /// Stored, or stored before with the same value.
    std::uint32_t samples = 0;
    std::uint32_t histograms = 0;
    std::uint32_t exemplars = 0;
    std::uint32_t series_created = 0;
    std::array<std::uint32_t, kRefusalCount> refused{
    };  ///< By Refusal: samples, histograms or exemplars.
    std::vector<Error> errors;  ///< The first few refusals, with Mimir's ids.

    [[nodiscard]] std::uint32_t refused_for(Refusal reason) const {
        return refused[static_cast<std::size_t>(reason)];
    }
};

struct HeadStats {
    std::uint64_t series = 0;
    std::uint64_t labels = 0;        ///< Different ones, counted in each shard.
    std::uint64_t series_bytes = 0;  ///< Series and the tables that find them.
    std::uint64_t label_bytes = 0;   ///< Labels and the tables that find them.
    std::uint64_t other_bytes = 0;  ///< Texts of labels, postings, open chunks, lists of full ones.
    std::uint64_t chunk_write_bytes = 0;  ///< Full chunks on their way to a file.
    std::uint64_t chunk_file_bytes = 0;   ///< On disk.
    std::uint64_t chunk_write_failures = 0;
    std::uint64_t exemplars = 0;
};

using model::SeriesExemplars;

class Head {
  public:
    /// Opens the folder's head, or begins one: takes over its chunk files, replays checkpoint and
    /// log, repairs what is damaged. `dir` is the tenant's folder, which holds wal/ and
    /// chunks_head/; `files` must outlive the head. Errors: those of the file system. Damaged
    /// content is not an error: see replay_report().
    static Result<std::unique_ptr<Head>> open(
        fs::FileSystem& files, fs::Path dir, HeadOptions options
    );
    ~Head();

    /// Stores the request's good samples and exemplars; the labels must be canonical and hashed.
    /// Refused samples are part of the outcome. Metadata is the caller's to keep. Durable: in the
    /// log when this returns, as HeadOptions::wal.sync says. Errors: unavailable or internal when
    /// the log can't be written: then the caller must take none of the request for stored (a part
    /// may be), and may repeat it. Threads: any. Cost: tests/bench/head_bench.cpp; no allocation
    /// per sample.
    Result<AppendOutcome> append(const model::WriteRequest& request, const AppendLimits& limits);

    /// The series that match and have samples in the range, with their chunks. As long as the set
    /// lives, truncate() leaves its time alone. To miss nothing that moves to a block meanwhile:
    /// select here first, then list the blocks. Threads: any; the set may outlive other operations
    /// but not the head.
    Result<std::unique_ptr<chunkenc::SeriesSet>> select(
        const model::Matchers& matchers, TimeRange range
    );

    /// Of the series that match (without matchers: of all) and have samples in the range. Sorted,
    /// unique.
    Result<std::vector<std::string>> label_names(const model::Matchers& matchers, TimeRange range);
    Result<std::vector<std::string>> label_values(
        std::string_view name, const model::Matchers& matchers, TimeRange range
    );

    /// Exemplars in the range of series for which all matchers of any selector hold. Sorted by
    /// labels.
    [[nodiscard]] std::vector<SeriesExemplars> exemplars(
        std::span<const model::Matchers> selectors, TimeRange range
    ) const;

    using BlockSeriesVisitor =
        std::function<Result<void>(model::LabelsView, std::span<const chunkenc::ChunkView>)>;
    /// Visits each series that has chunks overlapping the range, in the order of labels, for the
    /// writer of a block. A chunk never crosses a multiple of block_range. Labels and chunks are
    /// valid during the visit. Errors: the visitor's, which ends the visits.
    Result<void> series_for_block(TimeRange range, const BlockSeriesVisitor& visit);

    /// From now on samples before `time` are refused as too old: what is to be written as a block must stand still.
    /// Waits for appends that began before.
    void refuse_before(TimestampMs time);

    /// Drops what is before `time`: chunks whose last sample is older, then series left without
    /// chunks, with all that was theirs; chunk files and log segments (through a checkpoint) that
    /// are no longer needed. Waits for sets that select() gave out for earlier time. For one
    /// background thread. Errors: unavailable when sets still hold the time after reader_wait_max,
    /// and nothing was dropped; otherwise those of the file system, and memory is freed
    /// nevertheless.
    Result<void> truncate(TimestampMs time);

    /// For WalSync::interval.
    Result<void> sync();

    /// Times of the oldest and newest sample; min() > max() when there is none.
    [[nodiscard]] TimestampMs min_time() const;
    [[nodiscard]] TimestampMs max_time() const;
    /// Samples before it are refused.
    [[nodiscard]] TimestampMs min_valid_time() const;
    [[nodiscard]] std::size_t series_count() const;
    [[nodiscard]] HeadStats stats() const;
    [[nodiscard]] const ReplayReport& replay_report() const;

  private:
    explicit Head(std::unique_ptr<detail::HeadState> state);
    std::unique_ptr<detail::HeadState> state_;
};

}  // namespace mimir::tsdb
