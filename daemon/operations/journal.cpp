#include "operations/journal.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <mutex>

#include "api/json.hpp"
#include "base/assert.hpp"
#include "fs/file_system.hpp"
#include "operations/detail/audit_chain.hpp"
#include "operations/detail/journal_file.hpp"
#include "operations/detail/recovery.hpp"

namespace mimir::operations {
namespace {

using SQLite::Database;
using SQLite::Statement;

constexpr std::string_view kIdPrefix = "op-";
/// More damaged files than that in one process's life are worth no further note.
constexpr std::size_t kNotesLimit = 16;

/// 0 for what is no id of ours.
std::int64_t sequence_of(std::string_view id) {
    if (!id.starts_with(kIdPrefix)) return 0;
    id.remove_prefix(kIdPrefix.size());
    std::int64_t sequence = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), sequence);
    const bool whole = error == std::errc() && end == id.data() + id.size();
    return whole && fmt::to_string(sequence) == id ? sequence : 0;
}

std::string id_of(std::int64_t sequence) { return fmt::format("{}{}", kIdPrefix, sequence); }

std::int64_t signed_of(std::uint64_t number) { return static_cast<std::int64_t>(number); }

template <class T>
void bind_optional(Statement& statement, int at, const std::optional<T>& value) {
    if (!value) {
        statement.bind(at);
    } else if constexpr (std::same_as<T, std::string>) {
        statement.bind(at, *value);
    } else {
        statement.bind(at, static_cast<std::int64_t>(*value));
    }
}

/// A record that does not parse shows as one that says so: it takes nothing else down with it.
api::Operation operation_of(std::int64_t sequence, const std::string& record) {
    auto parsed = api::from_json<api::Operation>(record, api::Unknown::ignore);
    if (parsed) return *std::move(parsed);
    return {
        .id = id_of(sequence),
        .state = api::OperationState::failed,
        .error = "its record in the journal is damaged: " + parsed.error().message,
        .code = "corrupt",
    };
}

struct StoredEntry {
    api::AuditEntry entry;
    detail::AuditHash hash{};
};

constexpr std::string_view kAuditColumns =
    "seq, time_ms, actor, uid, pid, via, action, subject, detail, revision, outcome, request_seq, hash";

StoredEntry entry_of(Statement& row) {
    const auto number = [&](int at) { return row.getColumn(at).getInt64(); };
    const auto text = [&](int at) { return row.getColumn(at).getString(); };
    StoredEntry stored;
    auto& entry = stored.entry;
    entry.seq = static_cast<std::uint64_t>(number(0));
    entry.time = {number(1)};
    entry.actor = text(2);
    if (!row.isColumnNull(3)) entry.uid = static_cast<std::uint32_t>(number(3));
    if (!row.isColumnNull(4)) entry.pid = static_cast<std::int32_t>(number(4));
    entry.via = text(5);
    entry.action = text(6);
    entry.subject = text(7);
    entry.detail = text(8);
    entry.revision = static_cast<std::uint64_t>(number(9));
    entry.outcome = text(10);
    if (!row.isColumnNull(11)) entry.of = static_cast<std::uint64_t>(number(11));
    const std::string hash = text(12);
    if (hash.size() == stored.hash.size()) std::ranges::copy(hash, stored.hash.begin());
    entry.hash = detail::to_hex(stored.hash);
    return stored;
}

/// Upserts: the row may have been in a file that was set aside meanwhile.
void save_record(Database& database, const api::Operation& operation) {
    Statement row(
        database,
        "INSERT INTO operations (seq, ended, created_ms, record) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (seq) DO UPDATE SET ended = excluded.ended, record = excluded.record"
    );
    row.bind(1, sequence_of(operation.id));
    row.bind(2, api::has_ended(operation.state) ? 1 : 0);
    row.bind(3, operation.created.ms);
    row.bind(4, api::to_json(operation));
    row.exec();
}

std::string join(const std::vector<std::string>& names) {
    return fmt::format("{}", fmt::join(names, ","));
}

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> names;
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(','), list.size());
        names.emplace_back(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return names;
}

void save_target(Database& database, const TargetChange& change) {
    Statement target(database, "UPDATE node SET target = ?");
    bind_optional(target, 1, change.target);
    target.exec();
    if (!change.processes) return;
    Statement processes(database, "UPDATE node SET processes = ?");
    processes.bind(1, join(*change.processes));
    processes.exec();
}

std::int64_t last_sequence(Database& database) {
    return database
        .execAndGet("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'operations'")
        .getInt64();
}

}  // namespace

class Journal::Impl {
  public:
    Impl(JournalOptions options, telemetry::Logger log, const Clock& clock)
        : options_(std::move(options)),
          file_(options_.dir / "journal.db"),
          log_(log.component("journal")),
          clock_(clock) {}

    // Runs one transaction: work(database) -> Result<T>. `done`, under the same lock, makes what the file now says known.
    template <class Work, class Done>
    auto write(Work work, Done done) -> std::invoke_result_t<Work, Database&> {
        const std::lock_guard lock(mutex_);
        MIMIR_TRY(connect());
        auto outcome = transact([&](Database& database) -> std::invoke_result_t<Work, Database&> {
            if (suspect_) put_back(database);
            return work(database);
        });
        if (outcome) done(*outcome);
        return outcome;
    }

    template <class Work>
    auto read(Work work) -> std::invoke_result_t<Work, Database&> {
        const std::lock_guard lock(mutex_);
        MIMIR_TRY(connect());
        try {
            return work(*database_);
        } catch (const SQLite::Exception& error) {
            return tl::unexpected(failed(detail::to_error(error, file_), after(error)));
        }
    }

    Result<void> open() {
        const std::lock_guard lock(mutex_);
        return connect();
    }

    Result<api::Operation> create(const NewOperation& wanted);
    Result<void> save(const api::Operation& operation, const std::optional<Commit>& commit);
    Result<std::uint64_t> audit(api::AuditEntry entry);
    Result<std::optional<KeyedOperation>> find_by_key(std::string_view key);
    TimestampMs keys_from() const { return clock_.now() - options_.idempotency_kept; }

    template <class F>
    auto look(F&& f) {
        const std::lock_guard lock(mutex_);
        return std::forward<F>(f)();
    }

    // Everything below is guarded by mutex_, which is held while the disk is waited for: one writer at a time is the point.
    Result<void> connect();
    Result<void> begin_life();
    void recover(Database& database, std::vector<api::Operation>& ended);
    void put_back(Database& database) const;
    void prune(Database& database) const;
    Result<std::unique_ptr<Database>> open_or_replace();
    enum class Connection : std::uint8_t { give_up, keep };
    Error failed(Error error, Connection connection);
    /// A full disk leaves the connection as it was: reading goes on.
    static Connection after(const SQLite::Exception& error) {
        return error.getErrorCode() == SQLITE_FULL ? Connection::keep : Connection::give_up;
    }

    template <class Work>
    auto transact(Work work) -> std::invoke_result_t<Work, Database&> {
        try {
            SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
            auto outcome = work(*database_);
            if (!outcome) return outcome;
            tell(TransactionPoint::before_commit);
            transaction.commit();
            tell(TransactionPoint::after_commit);
            suspect_ = false;
            if (trouble_ && boot_ != 0) log_.info("journal can be used again");
            trouble_.reset();
            return outcome;
        } catch (const SQLite::Exception& error) {
            return tl::unexpected(failed(detail::to_error(error, file_), after(error)));
        }
    }

    void tell(TransactionPoint point) const {
        if (options_.on_transaction) options_.on_transaction(point);
    }

    const JournalOptions options_;
    const std::filesystem::path file_;
    const telemetry::Logger log_;
    const Clock& clock_;

    std::mutex mutex_;
    /// Null while closed.
    std::unique_ptr<Database> database_;
    std::optional<Error> trouble_ =
        Error{ErrorKind::unavailable, "journal-unavailable", "the journal is not open yet"};
    std::vector<std::string> notes_;
    std::vector<api::Operation> recovered_;

    // What callers were told; the file is put back to it when a transaction may have failed by half.
    bool suspect_ = false;
    std::uint64_t boot_ = 0;
    std::optional<std::string> target_;
    std::vector<std::string> processes_;
    bool target_was_read_ = false;
    std::int64_t last_sequence_ = 0;
    /// The operation that is past its point of no return.
    std::optional<std::int64_t> committed_;
};

// The error as callers see it.
Error Journal::Impl::failed(Error error, Connection connection) {
    const bool usable = database_ != nullptr && sqlite3_get_autocommit(database_->getHandle()) != 0;
    if (connection == Connection::give_up || !usable) database_.reset();
    suspect_ = true;
    if (error.kind == ErrorKind::corrupt) {
        error.kind = ErrorKind::unavailable;
        error.id = "journal-unavailable";
    }
    if (!trouble_ || trouble_->message != error.message) {
        log_.error("journal cannot be used", {{"err", error}});
    }
    trouble_ = error;
    return error;
}

Result<std::unique_ptr<Database>> Journal::Impl::open_or_replace() {
    auto opened = detail::open_journal_file(file_, options_.bytes_max);
    if (opened || opened.error().kind != ErrorKind::corrupt) return opened;
    MIMIR_TRY(const auto aside, detail::set_aside(file_, clock_.now()));
    log_.error("damaged journal set aside", {{"err", opened.error()}, {"file", aside}});
    if (notes_.size() < kNotesLimit) {
        notes_.push_back(fmt::format(
            "{}; it was set aside as {} and a new journal was begun: operations, audit log and (at a start) the stored "
            "target of before are in that file only",
            opened.error().message,
            aside.native()
        ));
    }
    return detail::open_journal_file(file_, options_.bytes_max);
}

Result<void> Journal::Impl::connect() {
    if (database_ != nullptr && !detail::is_in_place(*database_)) {
        log_.error("journal was taken away while in use", {{"file", file_}});
        database_.reset();
    }
    if (database_ != nullptr) return {};
    if (auto made = fs::real_file_system().create_directories(options_.dir); !made) {
        return tl::unexpected(failed(
            {ErrorKind::unavailable, "journal-unavailable", made.error().message},
            Connection::give_up
        ));
    }
    auto opened = open_or_replace();
    if (!opened) return tl::unexpected(failed(std::move(opened).error(), Connection::give_up));
    database_ = *std::move(opened);
    if (boot_ == 0) return begin_life();
    suspect_ = true;
    return {};
}

Result<void> Journal::Impl::begin_life() {
    struct Life {
        std::uint64_t boot = 0;
        std::int64_t last_sequence = 0;
        std::vector<api::Operation> ended;
    };
    auto begun = transact([&](Database& database) -> Result<Life> {
        Life life;
        Statement node(database, "SELECT boot, target, processes FROM node");
        node.executeStep();
        // Known from here on, even if nothing can be written.
        target_.reset();
        if (!node.isColumnNull(1)) target_ = node.getColumn(1).getString();
        processes_ = split(node.getColumn(2).getString());
        target_was_read_ = true;
        life.boot = static_cast<std::uint64_t>(node.getColumn(0).getInt64()) + 1;
        node.reset();
        life.last_sequence = last_sequence(database);
        database.exec("UPDATE node SET boot = boot + 1");
        recover(database, life.ended);
        return life;
    });
    if (!begun) {
        // Whether the disk is full or worse: nothing else may be written before this is.
        database_.reset();
        return tl::unexpected(std::move(begun).error());
    }
    boot_ = begun->boot;
    last_sequence_ = begun->last_sequence;
    recovered_ = std::move(begun->ended);
    return {};
}

void Journal::Impl::recover(Database& database, std::vector<api::Operation>& ended) {
    Statement open(
        database, "SELECT seq, committed, record FROM operations WHERE ended = 0 ORDER BY seq"
    );
    while (open.executeStep()) {
        auto operation = operation_of(open.getColumn(0).getInt64(), open.getColumn(2).getString());
        const bool committed = open.getColumn(1).getInt() != 0;
        ended.push_back(detail::end_interrupted(std::move(operation), committed, clock_.now()));
    }
    open.reset();
    for (const auto& operation : ended) save_record(database, operation);
}

void Journal::Impl::put_back(Database& database) const {
    Statement node(
        database,
        "INSERT INTO node (id, boot, target, processes) VALUES (1, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET boot = excluded.boot, target = excluded.target, "
        "processes = excluded.processes"
    );
    node.bind(1, signed_of(boot_));
    bind_optional(node, 2, target_);
    node.bind(3, join(processes_));
    node.exec();

    Statement strangers(database, "DELETE FROM operations WHERE seq > ?");
    strangers.bind(1, last_sequence_);
    strangers.exec();
    Statement committed(database, "UPDATE operations SET committed = (seq IS ?) WHERE ended = 0");
    bind_optional(committed, 1, committed_);
    committed.exec();

    // In a new file numbers go on where they were.
    if (last_sequence(database) >= last_sequence_) return;
    database.exec("DELETE FROM sqlite_sequence WHERE name = 'operations'");
    Statement sequence(
        database, "INSERT INTO sqlite_sequence (name, seq) VALUES ('operations', ?)"
    );
    sequence.bind(1, last_sequence_);
    sequence.exec();
}

void Journal::Impl::prune(Database& database) const {
    Statement keys(
        database,
        "UPDATE operations SET idempotency_key = NULL "
        "WHERE idempotency_key IS NOT NULL AND created_ms < ?"
    );
    keys.bind(1, keys_from().ms);
    keys.exec();
    Statement old(
        database,
        "DELETE FROM operations WHERE ended = 1 AND seq <= "
        "(SELECT seq FROM operations ORDER BY seq DESC LIMIT 1 OFFSET ?)"
    );
    old.bind(1, signed_of(options_.operations_kept));
    old.exec();
}

Result<api::Operation> Journal::Impl::create(const NewOperation& wanted) {
    const auto insert = [&](Database& database) -> Result<api::Operation> {
        prune(database);
        if (!wanted.idempotency_key.empty()) {
            Statement taken(database, "SELECT seq FROM operations WHERE idempotency_key = ?");
            taken.bindNoCopy(1, wanted.idempotency_key);
            if (taken.executeStep()) {
                return fail_with_id(
                    ErrorKind::conflict,
                    "idempotency-key-reused",
                    "the idempotency key names {} already",
                    id_of(taken.getColumn(0).getInt64())
                );
            }
        }
        const std::int64_t sequence = last_sequence(database) + 1;
        const api::Operation operation{
            .id = id_of(sequence),
            .kind = wanted.kind,
            .summary = wanted.summary,
            .version = 1,
            .requested_by = wanted.requested_by,
            .created = clock_.now(),
        };
        Statement row(
            database,
            "INSERT INTO operations (seq, ended, created_ms, idempotency_key, fingerprint, record) "
            "VALUES (?, 0, ?, ?, ?, ?)"
        );
        row.bind(1, sequence);
        row.bind(2, operation.created.ms);
        if (!wanted.idempotency_key.empty()) row.bind(3, wanted.idempotency_key);
        row.bind(4, wanted.fingerprint);
        row.bind(5, api::to_json(operation));
        row.exec();
        return operation;
    };
    return write(insert, [&](const api::Operation& operation) {
        last_sequence_ = sequence_of(operation.id);
    });
}

Result<void> Journal::Impl::save(
    const api::Operation& operation, const std::optional<Commit>& commit
) {
    const std::int64_t sequence = sequence_of(operation.id);
    MIMIR_ASSERT(sequence != 0, "records come from create()");
    const auto update = [&](Database& database) -> Result<bool> {
        save_record(database, operation);
        if (!commit && committed_ != sequence) return true;
        Statement row(database, "UPDATE operations SET committed = 1 WHERE seq = ?");
        row.bind(1, sequence);
        row.exec();
        if (commit && commit->target_change) save_target(database, *commit->target_change);
        return true;
    };
    auto written = write(update, [&](bool) {
        if (commit) committed_ = sequence;
        if (commit && commit->target_change) {
            target_ = commit->target_change->target;
            if (commit->target_change->processes) processes_ = *commit->target_change->processes;
        }
        if (api::has_ended(operation.state) && committed_ == sequence) committed_.reset();
    });
    if (!written) return tl::unexpected(std::move(written).error());
    return {};
}

Result<std::uint64_t> Journal::Impl::audit(api::AuditEntry entry) {
    const auto append = [&](Database& database) -> Result<std::uint64_t> {
        detail::AuditHash before{};
        entry.seq = 1;
        {
            Statement last(
                database,
                fmt::format("SELECT {} FROM audit ORDER BY seq DESC LIMIT 1", kAuditColumns)
            );
            if (last.executeStep()) {
                const auto stored = entry_of(last);
                before = stored.hash;
                entry.seq = stored.entry.seq + 1;
            }
        }
        const auto hash = detail::chain(before, entry);
        Statement row(
            database,
            fmt::format(
                "INSERT INTO audit ({}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                kAuditColumns
            )
        );
        row.bind(1, signed_of(entry.seq));
        row.bind(2, entry.time.ms);
        row.bind(3, entry.actor);
        bind_optional(row, 4, entry.uid);
        bind_optional(row, 5, entry.pid);
        row.bind(6, entry.via);
        row.bind(7, entry.action);
        row.bind(8, entry.subject);
        row.bind(9, entry.detail);
        row.bind(10, signed_of(entry.revision));
        row.bind(11, entry.outcome);
        bind_optional(row, 12, entry.of);
        row.bind(13, hash.data(), static_cast<int>(hash.size()));
        row.exec();
        return entry.seq;
    };
    return write(append, [](std::uint64_t) {});
}

Result<std::optional<KeyedOperation>> Journal::Impl::find_by_key(std::string_view key) {
    return read([&](Database& database) -> Result<std::optional<KeyedOperation>> {
        Statement row(
            database,
            "SELECT seq, record, fingerprint FROM operations "
            "WHERE idempotency_key = ? AND created_ms >= ?"
        );
        row.bind(1, std::string(key));
        row.bind(2, keys_from().ms);
        if (!row.executeStep()) return std::optional<KeyedOperation>();
        return KeyedOperation{
            .operation = operation_of(row.getColumn(0).getInt64(), row.getColumn(1).getString()),
            .fingerprint = row.getColumn(2).getString(),
        };
    });
}

Journal::Journal(JournalOptions options, telemetry::Logger log, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(log), clock)) {}

Journal::~Journal() = default;

Result<void> Journal::open() { return impl_->open(); }

Result<void> Journal::health() const {
    return impl_->look([&]() -> Result<void> {
        if (impl_->trouble_) return tl::unexpected(*impl_->trouble_);
        return {};
    });
}

std::vector<std::string> Journal::notes() const {
    return impl_->look([&] { return impl_->notes_; });
}

std::uint64_t Journal::boot() const {
    return impl_->look([&] { return impl_->boot_; });
}

bool Journal::knows_stored_target() const {
    return impl_->look([&] {
        if (impl_->target_was_read_) return true;
        std::error_code error;
        const auto bytes = std::filesystem::file_size(impl_->file_, error);
        const bool is_absent =
            error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
        return is_absent || (!error && bytes == 0);
    });
}

std::optional<std::string> Journal::stored_target() const {
    return impl_->look([&] { return impl_->target_; });
}

std::vector<std::string> Journal::processes() const {
    return impl_->look([&] { return impl_->processes_; });
}

std::vector<api::Operation> Journal::recovered() const {
    return impl_->look([&] { return impl_->recovered_; });
}

Result<std::uint64_t> Journal::audit(const api::AuditEntry& entry) { return impl_->audit(entry); }

Result<std::vector<api::AuditEntry>> Journal::audit_entries(
    std::optional<std::uint64_t> after, std::size_t limit
) const {
    return impl_->read([&](Database& database) -> Result<std::vector<api::AuditEntry>> {
        Statement rows(
            database,
            fmt::format(
                "SELECT {} FROM audit WHERE seq > ? ORDER BY seq {} LIMIT ?",
                kAuditColumns,
                after ? "ASC" : "DESC"
            )
        );
        rows.bind(1, signed_of(std::min(after.value_or(0), std::uint64_t{INT64_MAX})));
        rows.bind(2, signed_of(limit));
        std::vector<api::AuditEntry> entries;
        while (rows.executeStep()) entries.push_back(entry_of(rows).entry);
        if (!after) std::ranges::reverse(entries);
        return entries;
    });
}

Result<std::uint64_t> Journal::verify_audit() const {
    // In pieces, so that writers get in between: what was read does not change any more.
    constexpr std::size_t kPiece = 1000;
    detail::AuditHash before{};
    std::uint64_t count = 0;
    for (std::size_t found = kPiece; found == kPiece;) {
        auto piece = impl_->read([&](Database& database) -> Result<std::size_t> {
            Statement rows(
                database,
                fmt::format(
                    "SELECT {} FROM audit WHERE seq > ? ORDER BY seq LIMIT {}",
                    kAuditColumns,
                    kPiece
                )
            );
            rows.bind(1, signed_of(count));
            std::size_t read = 0;
            for (; rows.executeStep(); ++read) {
                const auto stored = entry_of(rows);
                const bool follows = stored.entry.seq == count + 1;
                if (!follows || detail::chain(before, stored.entry) != stored.hash) {
                    return fail(
                        ErrorKind::corrupt,
                        "the audit log was changed: {} {} {}",
                        follows ? "entry" : "what should be entry",
                        count + 1,
                        follows ? "is not as it was written" : "is missing"
                    );
                }
                before = stored.hash;
                ++count;
            }
            return read;
        });
        MIMIR_TRY(found, std::move(piece));
    }
    return count;
}

Result<api::Operation> Journal::create(const NewOperation& wanted) { return impl_->create(wanted); }

Result<void> Journal::save(const api::Operation& operation, const std::optional<Commit>& commit) {
    return impl_->save(operation, commit);
}

Result<api::Operation> Journal::find(std::string_view id) const {
    const std::int64_t sequence = sequence_of(id);
    return impl_->read([&](Database& database) -> Result<api::Operation> {
        Statement row(database, "SELECT record FROM operations WHERE seq = ?");
        row.bind(1, sequence);
        if (!row.executeStep()) {
            return fail_with_id(
                ErrorKind::not_found, "operation-unknown", "there is no operation {}", id
            );
        }
        return operation_of(sequence, row.getColumn(0).getString());
    });
}

Result<std::vector<api::Operation>> Journal::list(std::size_t limit) const {
    return impl_->read([&](Database& database) -> Result<std::vector<api::Operation>> {
        Statement rows(database, "SELECT seq, record FROM operations ORDER BY seq DESC LIMIT ?");
        rows.bind(1, signed_of(limit));
        std::vector<api::Operation> operations;
        while (rows.executeStep()) {
            operations.push_back(
                operation_of(rows.getColumn(0).getInt64(), rows.getColumn(1).getString())
            );
        }
        return operations;
    });
}

Result<std::optional<KeyedOperation>> Journal::find_by_key(std::string_view key) const {
    return impl_->find_by_key(key);
}

}  // namespace mimir::operations
