#pragma once

// The files of full chunks (chunks_head/), in Prometheus' format: docs/formats/head.md. They spare memory, and replay
// its work; what they hold is in the log too, so that they are never synced, and a damaged one is no loss.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "chunkenc/series_set.hpp"
#include "fs/file_system.hpp"
#include "tsdb/wal/records.hpp"

namespace mimir::tsdb::detail {

/// A full chunk, and where its data lie. It lasts less than 49 days.
struct StoredChunk {
    TimestampMs min;
    std::uint32_t duration_ms = 0;
    std::uint32_t file : 29 = 0;
    std::uint32_t encoding_number : 3 = 0;
    std::uint32_t offset = 0;
    std::uint32_t size = 0;

    [[nodiscard]] TimestampMs max() const { return {min.ms + duration_ms}; }
    [[nodiscard]] TimeRange range() const { return {min, max()}; }
    [[nodiscard]] chunkenc::Encoding encoding() const {
        return static_cast<chunkenc::Encoding>(encoding_number);
    }
};
static_assert(sizeof(StoredChunk) == 24, "a head holds some for each of its series");

/// The content of the files at one moment: of all chunks that were stored before. Keeps it in memory while it lives.
class ChunkFilesView {
  public:
    [[nodiscard]] std::string_view data(const StoredChunk& chunk) const;

  private:
    friend class ChunkFiles;
    struct Region {
        std::uint32_t file;
        std::uint64_t begin;
        const char* bytes;
    };
    std::vector<Region> regions_;  // by file and begin
    std::vector<std::shared_ptr<const void>> owners_;
};

/// Threads: any.
class ChunkFiles {
  public:
    struct Options {
        std::size_t block_bytes = 256 << 10;
        /// Smaller than Prometheus' 128 MiB: what is still growing is mapped anew as it grows.
        std::uint64_t file_bytes = 32 << 20;
    };
    /// Series and chunk, in the order in which they were written.
    using Visitor = std::function<void(WalRef, const StoredChunk&)>;

    /// Reads what is there. Damage is cut off and described in `damages`. New chunks go to a new file.
    static Result<std::unique_ptr<ChunkFiles>> open(
        fs::FileSystem& files,
        fs::Path dir,
        Options options,
        const Visitor& visit,
        std::vector<std::string>& damages
    );

    /// Takes the chunk over, in memory for now.
    StoredChunk append(WalRef ref, const chunkenc::ChunkView& chunk);

    enum class Flush { full_blocks, everything };
    /// Writes out what has gathered. When that fails the chunks stay in memory, for the next attempt.
    Result<void> flush(Flush what);
    /// Whether there is a full block to be written.
    [[nodiscard]] bool wants_flush() const { return wants_flush_.load(std::memory_order_relaxed); }

    Result<std::shared_ptr<const ChunkFilesView>> view();

    /// Removes the oldest files as long as all their chunks end before `time`. Nothing may refer to them any more.
    Result<void> remove_before(TimestampMs time);

    [[nodiscard]] std::uint64_t memory_bytes() const;
    [[nodiscard]] std::uint64_t file_bytes() const;
    [[nodiscard]] std::uint64_t write_failures() const;

  private:
    // Chunks are put together in blocks: memory of fixed size, whose bytes do not change once written, so that views
    // share them. Full blocks are written out in order; the newest stay readable in memory until it pays to map the
    // file again.
    struct Block {
        std::uint32_t file = 0;
        std::uint64_t offset = 0;
        std::size_t size = 0;
        std::size_t capacity = 0;
        bool written = false;
        std::unique_ptr<char[]> bytes;
    };
    struct File {
        std::uint32_t number = 0;
        std::uint64_t size = 0;     // with what is not yet written
        std::uint64_t on_disk = 0;  // what is no longer in blocks
        TimestampMs max_time = TimestampMs::min();
        bool complete = false;                          // nothing will be added
        std::shared_ptr<const fs::MappedFile> mapping;  // once it is read
    };
    using Lock = std::unique_lock<std::mutex>;

    ChunkFiles(fs::FileSystem& files, fs::Path dir, Options options);
    Result<void> read_existing(const Visitor& visit, std::vector<std::string>& damages);
    Result<File> read_file(
        std::uint32_t number, const Visitor& visit, std::vector<std::string>& damages
    );
    [[nodiscard]] fs::Path path_of(std::uint32_t number) const;
    char* reserve(std::size_t bytes);
    void add_block(std::size_t bytes);
    void seal_last_block();
    Result<void> write_block(const Block& block);
    void drop_mappable_blocks();

    fs::FileSystem& files_;
    const fs::Path dir_;
    const Options options_;

    // The flusher's: the thread that set flushing_.
    std::unique_ptr<fs::WritableFile> writer_;
    std::uint32_t writer_file_ = 0;

    mutable std::mutex mutex_;
    std::condition_variable flushed_;
    bool flushing_ = false;
    std::deque<File> known_;  // by number; chunks are added to the last, unless it is complete
    std::deque<std::shared_ptr<Block>>
        blocks_;  // by place; chunks are added to the last, while it has room
    std::uint32_t next_number_ = 1;
    std::uint64_t write_failures_ = 0;
    std::shared_ptr<const ChunkFilesView> view_;  // null when it must be put together anew
    std::atomic<bool> wants_flush_ = false;
};

}  // namespace mimir::tsdb::detail
