#pragma once

// Files as the storage engine sees them. Three implementations: real (POSIX), in-memory, and faulty (an in-memory one
// that fails, runs full, and forgets at a power cut what was not synced).
//
// Durability, which faulty enforces: bytes are safe after sync() of their file; a file's name, a rename or a removal
// is safe after sync_dir() of its folder (of both folders, for a rename from one to another).

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace mimir::fs {

using Path = std::filesystem::path;

/// A file open for writing at its end. Closed by the destructor, which does not sync.
/// Threads: one at a time.
class WritableFile {
  public:
    virtual ~WritableFile() = default;

    /// Hands the bytes to the operating system: they survive kill -9, not a power cut. All or an error; after an
    /// error the file's end is unknown: truncate or abandon it.
    /// Errors: unavailable (disk full), internal (I/O).
    virtual Result<void> append(std::string_view bytes) = 0;
    /// Returns once everything appended is on stable storage (fdatasync).
    virtual Result<void> sync() = 0;
    /// Cuts the file to `size` bytes; appending goes on from there.
    virtual Result<void> truncate(std::uint64_t size) = 0;
    [[nodiscard]] virtual std::uint64_t size() const = 0;
};

/// A file open for reading at any offset.
/// Threads: any.
class ReadableFile {
  public:
    virtual ~ReadableFile() = default;

    /// Appends up to `size` bytes from `offset` to `out`; fewer at the end of the file.
    virtual Result<void> read(std::uint64_t offset, std::size_t size, std::string& out) const = 0;
    [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;
};

/// The whole of a file that no longer changes, as memory (mmap); stays valid after the file's removal.
class MappedFile {
  public:
    virtual ~MappedFile() = default;
    [[nodiscard]] virtual std::string_view bytes() const = 0;
};

/// Held as long as the object lives; released by the kernel when the process dies.
class FileLock {
  public:
    virtual ~FileLock() = default;
};

struct DirectoryEntry {
    std::string name;
    bool is_directory = false;
};

/// Errors of every operation: not_found, conflict (exists), unavailable (disk full, read-only, too many files),
/// internal (anything else); the message names the path and the system's reason.
/// Threads: any.
class FileSystem {
  public:
    virtual ~FileSystem() = default;

    enum class OpenMode {
        create_new,  ///< Errors: conflict when there is one already.
        truncate,    ///< Begins anew, be there one or not.
        append,      ///< Continues the file, or begins it.
    };
    virtual Result<std::unique_ptr<WritableFile>> open_writable(const Path& path, OpenMode mode) = 0;
    virtual Result<std::unique_ptr<ReadableFile>> open_readable(const Path& path) const = 0;
    virtual Result<std::shared_ptr<const MappedFile>> map(const Path& path) const = 0;
    virtual Result<std::string> read_file(const Path& path) const = 0;

    /// Sorted by name; without "." and "..".
    virtual Result<std::vector<DirectoryEntry>> list(const Path& dir) const = 0;
    virtual bool exists(const Path& path) const = 0;
    /// Makes missing parents too, and their names durable; no error when it exists.
    virtual Result<void> create_directories(const Path& dir) = 0;
    /// Replaces a file of that name.
    virtual Result<void> rename(const Path& from, const Path& to) = 0;
    virtual Result<void> remove_file(const Path& path) = 0;
    /// With all that is in it; no error when it does not exist.
    virtual Result<void> remove_all(const Path& path) = 0;
    virtual Result<void> sync_dir(const Path& dir) = 0;

    /// Exclusive, between processes. Errors: conflict when another holds it.
    virtual Result<std::unique_ptr<FileLock>> lock(const Path& path) = 0;
    /// Bytes that may still be written below `path`.
    virtual Result<std::uint64_t> free_bytes(const Path& path) const = 0;
};

/// The machine's file system; lives for ever.
FileSystem& real_file_system();

/// Writes a whole file so that a crash leaves the old content or the new: temporary file, sync, rename, sync_dir.
Result<void> write_file_atomically(FileSystem& files, const Path& path, std::string_view content);

}  // namespace mimir::fs
