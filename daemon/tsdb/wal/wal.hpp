#pragma once

// The write-ahead log in Prometheus' format: segments of 32 KiB pages in a folder of their own.
// What log() returned for is in the log; how safe that makes it is the sync mode's affair. Format:
// docs/formats/wal.md.

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "fs/file_system.hpp"

namespace mimir::tsdb {

/// When a record is safe from a power cut. In every mode it survives kill -9 of the process once
/// log() returned.
enum class WalSync : std::uint8_t {
    none,      ///< When the operating system wrote it out (as in Mimir).
    interval,  ///< When the owner next called sync(), which it does at an interval.
    always,    ///< When log() returned. Writers that wait at the same time share one fdatasync.
};

struct WalOptions {
    WalSync sync = WalSync::none;
    /// A segment ends before the record that would make it longer. Smaller ones only in tests.
    std::uint64_t segment_bytes = 128 << 20;
};

struct SegmentRange {
    std::uint32_t first = 0;
    std::uint32_t last = 0;  ///< The one being written.

    bool operator==(const SegmentRange&) const = default;
};

/// Threads: any; writers that come at the same time are written with one write(2).
class Wal {
  public:
    /// Starts a new segment after those in the folder, which must be whole: replay and repair come
    /// first.
    static Result<std::unique_ptr<Wal>> open(
        fs::FileSystem& files, fs::Path dir, WalOptions options
    );

    /// Appends the records, in this order and without others between them; all of them or none.
    /// Errors: unavailable when the disk is full, internal when writing or syncing fails. The log
    /// is then cut back to its last good end, and a later call may succeed.
    Result<void> log(std::span<const std::string_view> records);

    /// Makes all that log() returned for safe from a power cut.
    Result<void> sync();

    /// Ends the current segment, so that a checkpoint can cover it. Returns the new one's number.
    Result<std::uint32_t> start_segment();

    /// Removes segments up to and including `last`, which a checkpoint covers by now.
    Result<void> remove_segments_through(std::uint32_t last);

    [[nodiscard]] SegmentRange segments() const;
    [[nodiscard]] const fs::Path& dir() const { return dir_; }

  private:
    Wal(fs::FileSystem& files, fs::Path dir, WalOptions options);

    // One thread at a time is the writer (writing_): it does the file's I/O, without the lock. Meanwhile
    // others frame their records into pending_, the next batch, and wait for it to be done; the first
    // of them to find no writer becomes it.
    struct Batch {
        std::string bytes;
        bool done = false;
        Result<void> result;
    };
    using Lock = std::unique_lock<std::mutex>;
    Result<void> make_room(Lock& lock, std::span<const std::string_view> records);
    void become_writer(Lock& lock);
    void cease_writing();
    void write_pending(Lock& lock);
    Result<void> write_out(std::string_view bytes);
    Result<void> rotate(Lock& lock);
    Result<void> open_segment(std::uint32_t number);

    fs::FileSystem& files_;
    const fs::Path dir_;
    const WalOptions options_;

    // The writer's.
    std::unique_ptr<fs::WritableFile> file_;
    std::uint64_t good_end_ = 0;  // bytes of the segment that hold acknowledged records
    bool torn_ = false;           // the file may have more than those

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    SegmentRange segments_;
    bool writing_ = false;
    std::shared_ptr<Batch> pending_;  // never null
    std::uint64_t position_ = 0;      // where in the segment the pending batch ends
    std::string spare_;               // memory of the last batch, for the next
};

}  // namespace mimir::tsdb
