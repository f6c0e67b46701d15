#include "kv/detail/sqlite_file.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include <algorithm>

#include "kv/detail/prefix.hpp"

namespace mimir::kv::detail {
namespace {

using SQLite::Database;
using SQLite::Statement;
using SQLite::Transaction;
constexpr auto kWriting = SQLite::TransactionBehavior::IMMEDIATE;

/// How long a removed key's version is kept: a watcher that was away for longer gets everything anew.
constexpr auto kRemovalKept = std::chrono::minutes(10);

// Values and times are bound with these, so that no two statements disagree.
constexpr const char* kIsThere = "value IS NOT NULL AND (expires_ms IS NULL OR expires_ms > ?1)";

std::uint64_t version_in(const SQLite::Column& column) {
    return static_cast<std::uint64_t>(column.getInt64());
}

std::string bytes_in(const SQLite::Column& column) {
    const void* const bytes = column.getBlob();
    const auto size = static_cast<std::size_t>(column.getBytes());
    return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

/// A null pointer would be bound as NULL, which says that the key is not there.
void bind_value(Statement& statement, int index, std::string_view value) {
    statement.bind(index, value.empty() ? "" : value.data(), static_cast<int>(value.size()));
}

void bind_text(Statement& statement, int index, std::string_view text) {
    statement.bind(index, std::string(text));
}

/// "key >= ? AND key < ?", also where no key is behind the prefix.
void bind_prefix(Statement& statement, int first, std::string_view prefix) {
    bind_text(statement, first, prefix);
    if (const std::string end = prefix_end(prefix); end.empty()) {
        statement.bind(first + 1);
    } else {
        bind_text(statement, first + 1, end);
    }
}

Entry entry_in(Statement& row) {
    return {row.getColumn(0).getString(), bytes_in(row.getColumn(2)), version_in(row.getColumn(1))};
}

std::uint64_t present_version(Database& database, std::string_view key, TimestampMs now) {
    Statement find(
        database, fmt::format("SELECT version FROM entries WHERE key = ?2 AND {}", kIsThere)
    );
    find.bind(1, now.ms);
    bind_text(find, 2, key);
    return find.executeStep() ? version_in(find.getColumn(0)) : kAbsent;
}

std::vector<Entry> all_under(Database& database, std::string_view prefix, TimestampMs now) {
    Statement rows(
        database,
        fmt::format(
            "SELECT key, version, value FROM entries WHERE key >= ?2 AND (?3 IS NULL OR key < ?3) AND {} ORDER BY key",
            kIsThere
        )
    );
    rows.bind(1, now.ms);
    bind_prefix(rows, 2, prefix);
    std::vector<Entry> entries;
    while (rows.executeStep()) entries.push_back(entry_in(rows));
    return entries;
}

Update changed_since(
    Database& database, std::string_view prefix, std::uint64_t version, TimestampMs now
) {
    Statement rows(
        database,
        "SELECT key, version, value, value IS NULL, expires_ms IS NOT NULL AND expires_ms <= ?1 FROM entries "
        "WHERE version > ?4 AND key >= ?2 AND (?3 IS NULL OR key < ?3) ORDER BY version"
    );
    rows.bind(1, now.ms);
    bind_prefix(rows, 2, prefix);
    rows.bind(4, static_cast<std::int64_t>(version));
    Update update;
    while (rows.executeStep()) {
        if (rows.getColumn(3).getInt() != 0) {
            update.removed.push_back(rows.getColumn(0).getString());
        } else if (rows.getColumn(4).getInt() == 0) {  // else it is removed in a moment
            update.changed.push_back(entry_in(rows));
        }
    }
    return update;
}

void mark_removed(
    Database& database, std::string_view key, std::uint64_t version, TimestampMs now
) {
    Statement update(
        database,
        "UPDATE entries SET version = ?1, removed_ms = ?2, expires_ms = NULL, value = NULL WHERE key = ?3"
    );
    update.bind(1, static_cast<std::int64_t>(version));
    update.bind(2, now.ms);
    bind_text(update, 3, key);
    update.exec();
}

std::vector<std::string> expired(Database& database, TimestampMs now) {
    Statement rows(database, "SELECT key FROM entries WHERE expires_ms <= ?");
    rows.bind(1, now.ms);
    std::vector<std::string> keys;
    while (rows.executeStep()) keys.push_back(rows.getColumn(0).getString());
    return keys;
}

void forget_removals(Database& database, TimestampMs before) {
    Statement forgotten(
        database,
        "UPDATE store SET forgotten = max(forgotten, coalesce((SELECT max(version) FROM entries WHERE removed_ms <= ?), 0))"
    );
    forgotten.bind(1, before.ms);
    forgotten.exec();
    Statement remove(database, "DELETE FROM entries WHERE removed_ms <= ?");
    remove.bind(1, before.ms);
    remove.exec();
}

TimestampMs next_sweep(Database& database) {
    Statement times(
        database, "SELECT min(expires_ms), (SELECT min(removed_ms) FROM entries) FROM entries"
    );
    times.executeStep();
    TimestampMs next = TimestampMs::max();
    if (const auto expires = times.getColumn(0); !expires.isNull()) next.ms = expires.getInt64();
    if (const auto removed = times.getColumn(1); !removed.isNull()) {
        next = std::min(next, TimestampMs{removed.getInt64()} + kRemovalKept);
    }
    return next;
}

tl::unexpected<Error> conflict(
    std::string_view key, std::uint64_t present, std::uint64_t expected
) {
    return fail(ErrorKind::conflict, "{} has version {}, not {}", key, present, expected);
}

}  // namespace

SqliteFile::SqliteFile(
    std::filesystem::path file,
    telemetry::Logger log,
    const Clock& clock,
    std::atomic<std::uint64_t>& newest
)
    : file_(std::move(file)), log_(std::move(log)), clock_(clock), newest_(newest), lock_(file_) {}

SqliteFile::~SqliteFile() = default;

Result<std::optional<Entry>> SqliteFile::get(std::string_view key) {
    return run<std::optional<Entry>>([&](Database& database) -> Result<std::optional<Entry>> {
        Statement find(
            database,
            fmt::format("SELECT key, version, value FROM entries WHERE key = ?2 AND {}", kIsThere)
        );
        find.bind(1, clock_.now().ms);
        bind_text(find, 2, key);
        if (!find.executeStep()) return std::nullopt;
        return entry_in(find);
    });
}

Result<std::vector<Entry>> SqliteFile::list(std::string_view prefix) {
    return run<std::vector<Entry>>([&](Database& database) -> Result<std::vector<Entry>> {
        return all_under(database, prefix, clock_.now());
    });
}

Result<std::uint64_t> SqliteFile::compare_and_swap(
    std::string_view key,
    std::uint64_t expected,
    std::string_view value,
    std::optional<std::chrono::milliseconds> time_to_live
) {
    return run<std::uint64_t>([&](Database& database) -> Result<std::uint64_t> {
        Transaction transaction(database, kWriting);
        const TimestampMs now = clock_.now();
        const std::uint64_t present = present_version(database, key, now);
        if (present != expected) return conflict(key, present, expected);
        const std::uint64_t version = next_version(database);
        Statement write(
            database,
            "INSERT INTO entries (key, version, expires_ms, value) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) DO UPDATE "
            "SET version = ?2, expires_ms = ?3, removed_ms = NULL, value = ?4"
        );
        bind_text(write, 1, key);
        write.bind(2, static_cast<std::int64_t>(version));
        if (time_to_live) write.bind(3, (now + *time_to_live).ms);
        bind_value(write, 4, value);
        write.exec();
        transaction.commit();
        see(version);
        return version;
    });
}

Result<void> SqliteFile::remove(std::string_view key, std::uint64_t expected) {
    return run<void>([&](Database& database) -> Result<void> {
        Transaction transaction(database, kWriting);
        const TimestampMs now = clock_.now();
        const std::uint64_t present = present_version(database, key, now);
        if (present == kAbsent) return {};
        if (present != expected) return conflict(key, present, expected);
        const std::uint64_t version = next_version(database);
        mark_removed(database, key, version, now);
        transaction.commit();
        see(version);
        return {};
    });
}

Result<SqliteFile::Stamp> SqliteFile::stamp() {
    return run<Stamp>([&](Database& database) -> Result<Stamp> {
        return Stamp{opened_, database.execAndGet("PRAGMA data_version").getInt64()};
    });
}

Result<SqliteFile::News> SqliteFile::news(
    std::string_view prefix, const std::optional<Position>& since
) {
    return run<News>([&](Database& database) -> Result<News> {
        const Transaction one_view(database);
        Statement store(database, "SELECT file_id, version, forgotten FROM store");
        store.executeStep();
        const Position position{store.getColumn(0).getInt64(), version_in(store.getColumn(1))};
        const std::uint64_t forgotten = version_in(store.getColumn(2));
        store.reset();
        // A version that went back: the end of the write-ahead log was lost.
        const bool can_follow = since && since->file_id == position.file_id &&
                                since->version >= forgotten && since->version <= position.version;
        const TimestampMs now = clock_.now();
        Update update = can_follow
                            ? changed_since(database, prefix, since->version, now)
                            : Update{.complete = true, .changed = all_under(database, prefix, now)};
        see(position.version);
        return News{position, std::move(update)};
    });
}

Result<SqliteFile::Swept> SqliteFile::sweep() {
    return run<Swept>([&](Database& database) -> Result<Swept> {
        const TimestampMs now = clock_.now();
        if (const TimestampMs next = next_sweep(database); next > now) return Swept{false, next};
        Transaction transaction(database, kWriting);
        for (const std::string& key : expired(database, now)) {
            mark_removed(database, key, next_version(database), now);
        }
        forget_removals(database, now - kRemovalKept);
        transaction.commit();
        return Swept{true, next_sweep(database)};
    });
}

std::uint64_t SqliteFile::next_version(Database& database) const {
    Statement update(database, "UPDATE store SET version = max(version, ?) + 1 RETURNING version");
    update.bind(1, static_cast<std::int64_t>(newest_.load(std::memory_order_relaxed)));
    update.executeStep();
    const std::uint64_t version = version_in(update.getColumn(0));
    while (update.executeStep()) {
    }
    return version;
}

void SqliteFile::see(std::uint64_t version) {
    std::uint64_t newest = newest_.load(std::memory_order_relaxed);
    while (newest < version && !newest_.compare_exchange_weak(newest, version)) {
    }
}

template <class T>
Result<T> SqliteFile::run(const std::function<Result<T>(Database&)>& work) {
    auto outcome = run_once(work);
    if (outcome || outcome.error().kind != ErrorKind::corrupt) return outcome;
    MIMIR_TRY(replace_damaged(outcome.error()));
    outcome = run_once(work);
    if (!outcome && outcome.error().kind == ErrorKind::corrupt)
        outcome.error().kind = ErrorKind::unavailable;
    return outcome;
}

template <class T>
Result<T> SqliteFile::run_once(const std::function<Result<T>(Database&)>& work) {
    for (;;) {
        if (!database_) MIMIR_TRY(open());
        MIMIR_TRY(const auto held, lock_.take(SqliteLock::Mode::shared));
        if (!is_in_place(*database_)) {
            database_.reset();
            continue;
        }
        try {
            return work(*database_);
        } catch (const SQLite::Exception& error) {
            // After most errors a new connection is the surest way to a known state.
            if (error.getErrorCode() != SQLITE_BUSY) database_.reset();
            return tl::unexpected(to_error(error, file_));
        }
    }
}

Result<void> SqliteFile::open() {
    for (const auto mode : {SqliteLock::Mode::shared, SqliteLock::Mode::exclusive}) {
        MIMIR_TRY(const auto held, lock_.take(mode));
        auto opened = open_sqlite(
            {.file = file_,
             .newest_version = newest_,
             .now = clock_.now(),
             .may_make = mode == SqliteLock::Mode::exclusive}
        );
        if (opened) {
            database_ = *std::move(opened);
            ++opened_;
            return {};
        }
        if (opened.error().kind != ErrorKind::not_found)
            return tl::unexpected(std::move(opened).error());
    }
    return fail(ErrorKind::unavailable, "{} can't be made", file_.native());
}

Result<void> SqliteFile::replace_damaged(const Error& how) {
    database_.reset();
    MIMIR_TRY(const auto held, lock_.take(SqliteLock::Mode::exclusive));
    OpenSqlite again{
        .file = file_,
        .newest_version = newest_,
        .now = clock_.now(),
        .may_make = true,
        .thorough = true
    };
    auto opened = open_sqlite(again);
    if (!opened && opened.error().kind == ErrorKind::corrupt) {
        MIMIR_TRY(const auto aside, set_aside(file_, clock_.now()));
        log_.error(
            "key-value store is damaged: set aside, and begun anew; members come back with their heartbeats",
            {{"file", file_}, {"aside", aside}, {"err", how}}
        );
        opened = open_sqlite(again);
    }
    if (!opened)
        return tl::unexpected(std::move(opened).error());  // else another process has mended it
    database_ = *std::move(opened);
    ++opened_;
    return {};
}

}  // namespace mimir::kv::detail
