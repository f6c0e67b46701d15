#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "kv/detail/sqlite_open.hpp"
#include "kv/kv_store.hpp"
#include "telemetry/log.hpp"

namespace mimir::kv::detail {

/// One connection to the file of a SqliteKvStore; opened at its first use, and again whenever that
/// failed or the file was replaced. A damaged file is set aside and begun anew.
/// Errors of every call: unavailable.
/// Threads: one at a time.
class SqliteFile {
  public:
    /// `newest`: the greatest version that this process has seen in the file; shared by its connections.
    SqliteFile(
        std::filesystem::path file,
        telemetry::Logger log,
        const Clock& clock,
        std::atomic<std::uint64_t>& newest
    );
    ~SqliteFile();

    Result<std::optional<Entry>> get(std::string_view key);
    Result<std::vector<Entry>> list(std::string_view prefix);
    Result<std::uint64_t> compare_and_swap(
        std::string_view key,
        std::uint64_t expected,
        std::string_view value,
        std::optional<std::chrono::milliseconds> time_to_live
    );
    Result<void> remove(std::string_view key, std::uint64_t expected);

    /// Another one whenever another connection has written.
    struct Stamp {
        std::uint64_t opened = 0;
        std::int64_t data_version = 0;
        bool operator==(const Stamp&) const = default;
    };
    Result<Stamp> stamp();

    /// Up to where a watcher knows the file.
    struct Position {
        std::int64_t file_id = 0;
        std::uint64_t version = 0;
    };
    struct News {
        Position position;
        Update update;
    };
    /// What changed under the prefix; all of it when there is no position, or none that still helps.
    Result<News> news(std::string_view prefix, const std::optional<Position>& since);

    struct Swept {
        bool wrote = false;
        /// When there is something to do.
        TimestampMs next;
    };
    /// Removes keys whose time is over, and forgets removals that every watcher has learned of long
    /// ago.
    Result<Swept> sweep();

  private:
    template <class T>
    Result<T> run(const std::function<Result<T>(SQLite::Database&)>& work);
    template <class T>
    Result<T> run_once(const std::function<Result<T>(SQLite::Database&)>& work);
    Result<void> open();
    Result<void> replace_damaged(const Error& how);
    std::uint64_t next_version(SQLite::Database& database) const;
    void see(std::uint64_t version);

    const std::filesystem::path file_;
    const telemetry::Logger log_;
    const Clock& clock_;
    std::atomic<std::uint64_t>& newest_;
    SqliteLock lock_;
    std::unique_ptr<SQLite::Database> database_;
    std::uint64_t opened_ = 0;
};

}  // namespace mimir::kv::detail
