#include "kv/detail/sqlite_open.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

#include "base/random.hpp"
#include "fs/file_system.hpp"

namespace mimir::kv::detail {
namespace {

using Path = std::filesystem::path;
using namespace std::chrono_literals;

constexpr int kSchemaVersion = 1;
constexpr ::mode_t kFileMode = 0660;  // the processes of a node may be of one group only

/// A transaction takes some milliseconds; who waits longer waits for a disk, or for a stopped process.
constexpr auto kWaitMax = 5s;
constexpr auto kWaitStep = 2ms;

// Tables: docs/formats/kv.md.
constexpr const char* kSchema = R"sql(
CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    file_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    forgotten INTEGER NOT NULL
) STRICT;

CREATE TABLE entries (
    key TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    expires_ms INTEGER,
    removed_ms INTEGER,
    value BLOB
) STRICT;
CREATE UNIQUE INDEX entries_by_version ON entries (version);
CREATE INDEX entries_by_expiry ON entries (expires_ms) WHERE expires_ms IS NOT NULL;
CREATE INDEX entries_by_removal ON entries (removed_ms) WHERE removed_ms IS NOT NULL;
)sql";

Error damaged(const Path& file, std::string_view how) {
    return {ErrorKind::corrupt, {}, fmt::format("{} is damaged: {}", file.native(), how)};
}

std::string system_reason(int error) { return std::generic_category().message(error); }

/// Everything that the file says about its own tables.
std::string schema_of(SQLite::Database& database) {
    std::string text;
    SQLite::Statement rows(
        database,
        "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1"
    );
    while (rows.executeStep()) text += rows.getColumn(0).getString() + "\n";
    return text;
}

const std::string& expected_schema() {
    static const std::string text = [] {
        SQLite::Database blank(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        blank.exec(kSchema);
        return schema_of(blank);
    }();
    return text;
}

/// SQLite would say "disk I/O error" of some of these.
Result<void> check_rights(const Path& file) {
    for (const Path& path : {file.parent_path(), file}) {
        if (::access(path.c_str(), R_OK | W_OK) == 0) continue;
        if (errno == ENOENT && path == file) continue;
        return fail(
            ErrorKind::unavailable, "{} cannot be written: {}", path.native(), system_reason(errno)
        );
    }
    return {};
}

tl::unexpected<Error> not_made(const Path& file) {
    return fail(ErrorKind::not_found, "{} is not made yet", file.native());
}

/// An empty file is a database without tables. SQLite itself would make one that others cannot write.
Result<void> make_if_missing(const Path& file) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode);
    if (fd < 0 && errno == EEXIST) return {};
    const int failed = fd < 0 || ::fchmod(fd, kFileMode) != 0 ? errno : 0;
    if (fd >= 0) ::close(fd);  // nobody has it open yet, so no lock of this process goes with it
    if (failed == 0) return {};
    return fail(
        ErrorKind::unavailable, "{} cannot be made: {}", file.native(), system_reason(failed)
    );
}

void configure(SQLite::Database& database) {
    database.exec("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
    const auto mode = database.execAndGet("PRAGMA journal_mode = WAL").getString();
    if (mode != "wal")
        throw SQLite::Exception("the file system takes no write-ahead log", SQLITE_CANTOPEN);
    database.exec("PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 4194304");
}

void make_tables(SQLite::Database& database, const OpenSqlite& open) {
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    database.exec(kSchema);
    // Versions begin with the time, so that those of a new file are greater than any of the lost one:
    // a file gains fewer than a thousand in a millisecond.
    const std::uint64_t by_time = static_cast<std::uint64_t>(std::max<std::int64_t>(open.now.ms, 0))
                                  << 10;
    SQLite::Statement insert(database, "INSERT INTO store VALUES (1, ?, ?, 0)");
    insert.bind(1, static_cast<std::int64_t>(random_seed()));
    insert.bind(2, static_cast<std::int64_t>(std::max(by_time, open.newest_version)));
    insert.exec();
    database.exec(fmt::format("PRAGMA user_version = {}", kSchemaVersion));
    transaction.commit();
}

Result<void> check(SQLite::Database& database, const OpenSqlite& open) {
    const auto version = database.execAndGet("PRAGMA user_version").getInt();
    if (version > kSchemaVersion) {
        return fail(
            ErrorKind::unavailable,
            "{} was written by a newer mimird (its format is {}, this mimird knows {}): run that version again, or end "
            "all processes and remove the file to begin anew",
            open.file.native(),
            version,
            kSchemaVersion
        );
    }
    const bool is_new = version == 0 && schema_of(database).empty();
    if (is_new && !open.may_make) return not_made(open.file);
    configure(database);
    if (is_new) make_tables(database, open);
    const char* const question =
        open.thorough ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)";
    if (const auto found = database.execAndGet(question).getString(); found != "ok")
        return tl::unexpected(damaged(open.file, found));
    if (schema_of(database) != expected_schema())
        return tl::unexpected(damaged(open.file, "its tables are not those of a key-value store"));
    if (database.execAndGet("SELECT count(*) FROM store").getInt() != 1)
        return tl::unexpected(damaged(open.file, "it does not say what its version is"));
    if (sqlite3_db_readonly(database.getHandle(), "main") != 0)
        return tl::unexpected(damaged(open.file, "its header forbids to write it"));
    return {};
}

std::string_view cause(int code) {
    switch (code) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return "another process does not let go of it";
        case SQLITE_FULL: return "the disk is full";
        case SQLITE_READONLY: return "the file or its folder cannot be written";
        case SQLITE_CANTOPEN:
        case SQLITE_PERM: return "the file cannot be opened or made";
        case SQLITE_IOERR: return "the disk or its file system reports an error";
        default: return "it cannot be used";
    }
}

}  // namespace

SqliteLock::Held::~Held() {
    if (fd_ >= 0) ::flock(fd_, LOCK_UN);
}

SqliteLock::SqliteLock(const Path& file) : path_(file.native() + ".lock") {}

SqliteLock::~SqliteLock() {
    if (fd_ >= 0) ::close(fd_);
}

Result<SqliteLock::Held> SqliteLock::take(Mode mode) {
    if (fd_ < 0) {
        fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
        if (fd_ < 0) {
            return fail(
                ErrorKind::unavailable,
                "{} cannot be opened: {}",
                path_.native(),
                system_reason(errno)
            );
        }
        static_cast<void>(::fchmod(fd_, kFileMode));  // fails for whoever is not its owner
    }
    const int operation = (mode == Mode::shared ? LOCK_SH : LOCK_EX) | LOCK_NB;
    const auto deadline = std::chrono::steady_clock::now() + kWaitMax;
    while (::flock(fd_, operation) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return fail(
                ErrorKind::unavailable,
                "{} cannot be locked: {}",
                path_.native(),
                system_reason(errno)
            );
        }
        if (std::chrono::steady_clock::now() >= deadline) {
            return fail(
                ErrorKind::unavailable, "another process does not let go of {}", path_.native()
            );
        }
        std::this_thread::sleep_for(kWaitStep);
    }
    return Held(fd_);
}

Result<std::unique_ptr<SQLite::Database>> open_sqlite(const OpenSqlite& open) {
    MIMIR_TRY(check_rights(open.file));
    if (open.may_make) {
        MIMIR_TRY(make_if_missing(open.file));
    } else if (!fs::real_file_system().exists(open.file)) {
        return not_made(open.file);
    }
    try {
        const auto wait = std::chrono::milliseconds(kWaitMax);
        auto database = std::make_unique<SQLite::Database>(
            open.file.string(), SQLite::OPEN_READWRITE, static_cast<int>(wait.count())
        );
        MIMIR_TRY(check(*database, open));
        return database;
    } catch (const SQLite::Exception& error) {
        return tl::unexpected(to_error(error, open.file));
    }
}

bool is_in_place(SQLite::Database& database) {
    int moved = 0;
    const int outcome =
        sqlite3_file_control(database.getHandle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return outcome != SQLITE_OK || moved == 0;
}

Error to_error(const SQLite::Exception& error, const Path& file) {
    switch (error.getErrorCode()) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_ERROR:  // "no such table": the header or the schema is not what we wrote
        case SQLITE_SCHEMA:
        case SQLITE_MISMATCH: return damaged(file, error.what());
        default:
            return {
                ErrorKind::unavailable,
                {},
                fmt::format(
                    "{}: {} (SQLite {}: {})",
                    file.native(),
                    cause(error.getErrorCode()),
                    error.getExtendedErrorCode(),
                    error.what()
                )
            };
    }
}

Result<Path> set_aside(const Path& file, TimestampMs now) {
    auto& files = fs::real_file_system();
    const std::string base =
        fmt::format("{}.corrupt-{:%Y%m%dT%H%M%SZ}", file.native(), fmt::gmtime(now.ms / 1000));
    Path aside = base;
    for (int count = 2; files.exists(aside); ++count) aside = fmt::format("{}-{}", base, count);
    // The file last: while it is there under its name, a crash between leaves the rest to the next one.
    for (const std::string_view suffix : {"-wal", "-shm", ""}) {
        const Path from = file.native() + std::string(suffix);
        if (!files.exists(from)) continue;
        if (auto moved = files.rename(from, aside.native() + std::string(suffix)); !moved) {
            return fail(
                ErrorKind::unavailable,
                "{} is damaged and cannot be set aside: {}",
                file.native(),
                moved.error().message
            );
        }
    }
    return aside;
}

}  // namespace mimir::kv::detail
