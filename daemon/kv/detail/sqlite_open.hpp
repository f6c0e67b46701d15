#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace SQLite {
class Database;
class Exception;
}  // namespace SQLite

namespace mimir::kv::detail {

/// Between the processes that share a file, by flock on "<file>.lock": whoever is in a transaction
/// holds it shared; whoever makes or replaces the file holds it alone. So a damaged file can
/// be renamed without anybody writing into the renamed one. The kernel releases it with its process.
/// Threads: one at a time.
class SqliteLock {
  public:
    enum class Mode : std::uint8_t { shared, exclusive };

    /// Releases when destroyed.
    class Held {
      public:
        explicit Held(int fd) : fd_(fd) {}
        ~Held();
        Held(Held&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
        Held& operator=(Held&&) = delete;

      private:
        int fd_;
    };

    /// Of the database at this path.
    explicit SqliteLock(const std::filesystem::path& file);
    ~SqliteLock();
    SqliteLock(const SqliteLock&) = delete;
    SqliteLock& operator=(const SqliteLock&) = delete;

    /// Waits for some seconds.
    /// Errors: unavailable.
    Result<Held> take(Mode mode);

  private:
    const std::filesystem::path path_;
    int fd_ = -1;
};

struct OpenSqlite {
    std::filesystem::path file;
    /// A new file's versions begin after this one.
    std::uint64_t newest_version = 0;
    TimestampMs now;
    /// Makes the file or its tables where there are none; the caller holds the lock alone then.
    bool may_make = false;
    /// Reads all of it, indexes too: for a file that seems damaged.
    bool thorough = false;
};

/// Opens the file, and looks whether it is of our making. The caller holds the lock.
/// Errors: not_found (to be made), corrupt (to be set aside), unavailable (the rest: rights, disk, a
///         file of a newer version).
Result<std::unique_ptr<SQLite::Database>> open_sqlite(const OpenSqlite& open);

/// Whether the path still leads to the file that was opened.
bool is_in_place(SQLite::Database& database);

/// What SQLite says, in our words. Errors: corrupt, unavailable.
Error to_error(const SQLite::Exception& error, const std::filesystem::path& file);

/// Renames a damaged file and what belongs to it to "<file>.corrupt-<UTC time>", which is returned.
/// The caller holds the lock alone.
Result<std::filesystem::path> set_aside(const std::filesystem::path& file, TimestampMs now);

}  // namespace mimir::kv::detail
