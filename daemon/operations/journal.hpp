#pragma once

// The node's journal: what was asked for, what is done about it, and which target was chosen, in one SQLite file of the
// state folder. Every change of the daemon is written here, and synced, before it has an effect; so the next start knows
// how the last one ended. Bytes and tables: docs/formats/journal.md.
//
//   - An operation's point of no return and the stored target change in one transaction: the target is the new one
//     exactly when the operation counts as committed.
//   - What a call reported as failed is not there later, even if the disk took it after all: the next transaction puts
//     the file back to what callers were told (audit entries excepted, which are never taken out).
//   - A node always comes up: a damaged file is set aside and a new one begun; one that cannot be written makes changes
//     fail, with the reason, and is tried again by each of them.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "telemetry/log.hpp"

namespace mimir::operations {

/// Around each transaction's commit.
enum class TransactionPoint : std::uint8_t { before_commit, after_commit };

struct JournalOptions {
    /// The state folder; made when missing. The file is journal.db in it.
    std::filesystem::path dir;
    /// Records of ended operations beyond the newest so many are removed, and their idempotency keys with them.
    std::size_t operations_kept = 1000;
    /// How long an idempotency key names its operation.
    std::chrono::milliseconds idempotency_kept = std::chrono::hours(24);
    /// The file does not grow beyond; the audit log, which is never shortened, takes about 300 bytes an entry.
    std::uint64_t bytes_max = std::uint64_t{1} << 30U;
    /// For crash tests; on the writing thread, must not call the journal.
    std::function<void(TransactionPoint)> on_transaction;
};

struct NewOperation {
    std::string kind;
    std::string summary;
    std::string requested_by;
    /// Empty: none.
    std::string idempotency_key;
    /// What the request was, so that a key used for another one is noticed.
    std::string fingerprint;
};

/// What replaces the node's stored form.
struct TargetChange {
    /// Nothing forgets the stored target.
    std::optional<std::string> target;
    /// Modules that are kept in processes beside this one; nothing leaves them as they are.
    std::optional<std::vector<std::string>> processes = std::nullopt;
};

/// The point of no return of an operation: a restart finishes it from here on, and undoes it before.
struct Commit {
    std::optional<TargetChange> target_change;
};

struct KeyedOperation {
    api::Operation operation;
    std::string fingerprint;
};

/// Errors of all calls: journal-unavailable (unavailable; the message says whether the disk is full, read-only or
///          failing), conflict (another process uses the folder).
/// Threads: any; a call waits for the transaction of another. Writes are durable when they return.
class Journal {
  public:
    /// Touches no file. The clock outlives the journal.
    Journal(JournalOptions options, telemetry::Logger log, const Clock& clock = system_clock());
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    /// Makes the folder, opens the file and ends what the last process left pending or running. May be called again
    /// after a failure; so may anything else, which then opens first.
    Result<void> open();
    /// The error of the last call that failed, until something is written again.
    [[nodiscard]] Result<void> health() const;
    /// What a person should know about how it was opened: which damaged file was set aside.
    [[nodiscard]] std::vector<std::string> notes() const;

    /// How many processes have opened this journal, this one included; 0 until it is open.
    [[nodiscard]] std::uint64_t boot() const;
    /// Known as soon as the file could be read, even if it cannot be written.
    [[nodiscard]] std::optional<std::string> stored_target() const;
    /// False when there is a file that could not be read: it may hold a target.
    [[nodiscard]] bool knows_stored_target() const;
    /// Modules that the node keeps in processes beside this one.
    [[nodiscard]] std::vector<std::string> processes() const;
    /// The operations that open() ended, oldest first.
    [[nodiscard]] std::vector<api::Operation> recovered() const;

    /// Appends an entry, whose seq and hash it fills in; returns its seq.
    Result<std::uint64_t> audit(const api::AuditEntry& entry);
    /// The first `limit` entries after seq `after`, or the newest ones without it; ascending.
    [[nodiscard]] Result<std::vector<api::AuditEntry>> audit_entries(
        std::optional<std::uint64_t> after, std::size_t limit
    ) const;
    /// Reads the whole log and its chain of hashes; how many entries there are.
    /// Errors: corrupt, naming the first entry that is not as it was written.
    [[nodiscard]] Result<std::uint64_t> verify_audit() const;

    /// A new operation: pending, version 1, id "op-<n>" with n never used before.
    /// Errors: conflict when the idempotency key names another one.
    Result<api::Operation> create(const NewOperation& wanted);
    /// Replaces the record of that id; with `commit`, passes its point of no return and changes the stored target.
    Result<void> save(
        const api::Operation& operation, const std::optional<Commit>& commit = std::nullopt
    );

    /// Errors: operation-unknown.
    [[nodiscard]] Result<api::Operation> find(std::string_view id) const;
    /// Newest first.
    [[nodiscard]] Result<std::vector<api::Operation>> list(std::size_t limit) const;
    [[nodiscard]] Result<std::optional<KeyedOperation>> find_by_key(std::string_view key) const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mimir::operations
