#include "operations/detail/journal_file.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/chrono.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "fs/file_system.hpp"

namespace mimir::operations::detail {
namespace {

using Path = std::filesystem::path;

constexpr int kSchemaVersion = 2;
constexpr std::uint64_t kPageBytes = 4096;

// Tables: docs/formats/journal.md.
constexpr const char* kSchema = R"sql(
CREATE TABLE node (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    boot INTEGER NOT NULL,
    target TEXT
) STRICT;
INSERT INTO node VALUES (1, 0, NULL);

CREATE TABLE operations (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    ended INTEGER NOT NULL,
    committed INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL,
    idempotency_key TEXT,
    fingerprint TEXT NOT NULL DEFAULT '',
    record TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX operations_by_key ON operations (idempotency_key)
    WHERE idempotency_key IS NOT NULL;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    time_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    uid INTEGER,
    pid INTEGER,
    via TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    revision INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    request_seq INTEGER,
    hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
)sql";

/// From version 1 to 2; a new file takes the same way, so that both say the same of their tables.
constexpr const char* kSecondVersion =
    "ALTER TABLE node ADD COLUMN processes TEXT NOT NULL DEFAULT ''";

Error damaged(const Path& file, std::string_view how) {
    return {ErrorKind::corrupt, {}, fmt::format("{} is damaged: {}", file.native(), how)};
}

/// Everything that the file says about its own tables; the same text for every file of one version.
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
        blank.exec(kSecondVersion);
        return schema_of(blank);
    }();
    return text;
}

void configure(SQLite::Database& database, std::uint64_t bytes_max) {
    // Exclusive before the first access: then the write-ahead log needs no shared memory file, and no other process gets in.
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    database.exec("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
    database.exec(fmt::format("PRAGMA page_size = {}", kPageBytes));
    const auto mode = database.execAndGet("PRAGMA journal_mode = WAL").getString();
    if (mode != "wal")
        throw SQLite::Exception("the file system takes no write-ahead log", SQLITE_CANTOPEN);
    database.exec("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304");
    database.exec(fmt::format(
        "PRAGMA max_page_count = {}", std::max<std::uint64_t>(bytes_max / kPageBytes, 1)
    ));
}

Result<void> check(SQLite::Database& database, const Path& file) {
    const auto version = database.execAndGet("PRAGMA user_version").getInt();
    if (version > kSchemaVersion) {
        return fail_with_id(
            ErrorKind::unavailable,
            "journal-unavailable",
            "{} was written by a newer mimird (its format is {}, this mimird knows {}): run that version again, or "
            "move the file away to begin a new journal",
            file.native(),
            version,
            kSchemaVersion
        );
    }
    const bool is_new = version == 0 && schema_of(database).empty();
    if (is_new || version == 1) {
        SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
        if (is_new) database.exec(kSchema);
        database.exec(kSecondVersion);
        database.exec(fmt::format("PRAGMA user_version = {}", kSchemaVersion));
        transaction.commit();
    }
    const auto found = database.execAndGet("PRAGMA quick_check(1)").getString();
    if (found != "ok") return tl::unexpected(damaged(file, found));
    if (schema_of(database) != expected_schema()) {
        return tl::unexpected(damaged(file, "its tables are not those of a journal"));
    }
    if (database.execAndGet("SELECT count(*) FROM node").getInt() != 1) {
        return tl::unexpected(damaged(file, "it does not say how often it was opened"));
    }
    if (sqlite3_db_readonly(database.getHandle(), "main") != 0) {
        return tl::unexpected(damaged(file, "its header forbids to write it"));
    }
    return {};
}

/// SQLite would say "disk I/O error" of some of these.
Result<void> check_rights(const Path& file) {
    for (const Path& path : {file.parent_path(), file}) {
        if (::access(path.c_str(), W_OK) == 0 || errno == ENOENT) continue;
        return fail_with_id(
            ErrorKind::unavailable,
            "journal-unavailable",
            "{} cannot be written: {}",
            path.native(),
            std::generic_category().message(errno)
        );
    }
    return {};
}

std::string_view cause(int code) {
    switch (code) {
        case SQLITE_FULL: return "the disk is full, or the file has reached its limit";
        case SQLITE_READONLY: return "the file or its folder cannot be written";
        case SQLITE_CANTOPEN:
        case SQLITE_PERM: return "the file cannot be opened or made";
        case SQLITE_IOERR: return "the disk or its file system reports an error";
        default: return "it cannot be used";
    }
}

}  // namespace

Result<std::unique_ptr<SQLite::Database>> open_journal_file(
    const Path& file, std::uint64_t bytes_max
) {
    MIMIR_TRY(check_rights(file));
    try {
        auto database = std::make_unique<SQLite::Database>(
            file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE
        );
        configure(*database, bytes_max);
        MIMIR_TRY(check(*database, file));
        return database;
    } catch (const SQLite::Exception& error) {
        return tl::unexpected(to_error(error, file));
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
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {
                ErrorKind::conflict,
                {},
                fmt::format(
                    "another process uses the state folder {}: end it, or give this one a folder of "
                    "its own with -node.state-dir",
                    file.parent_path().native()
                )
            };
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_ERROR:  // "no such table": the header or the schema is not what we wrote
        case SQLITE_SCHEMA:
        case SQLITE_MISMATCH: return damaged(file, error.what());
        default:
            return {
                ErrorKind::unavailable,
                "journal-unavailable",
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
    const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(now.ms)};
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const std::string base = fmt::format(
        "{}.corrupt-{:%Y%m%dT%H%M%SZ}",
        file.native(),
        fmt::gmtime(seconds.time_since_epoch().count())
    );
    Path aside = base;
    for (int count = 2; files.exists(aside); ++count) aside = fmt::format("{}-{}", base, count);

    const auto move_all = [&]() -> Result<void> {
        // The file last: while it is there under its name, a crash between leaves the rest to the next start.
        for (const std::string_view suffix : {"-wal", "-shm", "-journal", ""}) {
            const Path from = file.native() + std::string(suffix);
            if (!files.exists(from)) continue;
            MIMIR_TRY(files.rename(from, aside.native() + std::string(suffix)));
        }
        return files.sync_dir(file.parent_path());
    };
    if (auto moved = move_all(); !moved) {
        return fail_with_id(
            ErrorKind::unavailable,
            "journal-unavailable",
            "{} is damaged and cannot be set aside: {}",
            file.native(),
            moved.error().message
        );
    }
    return aside;
}

}  // namespace mimir::operations::detail
