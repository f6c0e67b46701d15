#pragma once

// What the admin API does, without HTTP: looks at the modules, and turns wishes into journalled operations. A change
// goes through the same steps whatever it is: it is planned (and refused, or found to be nothing), written to the audit
// log, submitted to the runner, carried out by the manager with a journal row round every step, and its outcome written
// to the audit log.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/caller.hpp"
#include "admin/host.hpp"
#include "api/types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/router.hpp"
#include "migration/migration.hpp"
#include "modules/manager.hpp"
#include "operations/event_log.hpp"
#include "operations/journal.hpp"
#include "operations/runner.hpp"
#include "telemetry/log.hpp"

namespace mimir::admin {

class SettingsChange;

struct ChangeOptions {
    bool cascade = false;
    bool dry_run = false;
    /// Refuse when anything changed since this revision was seen.
    std::optional<std::uint64_t> if_revision = {};
    /// Empty: none.
    std::string idempotency_key = {};
};

/// The target that runs.
struct CurrentTarget {
    modules::Names names;
    api::TargetSource source = api::TargetSource::built_in;
};

/// What control works on; all of it outlives it.
struct ControlEnvironment {
    const modules::ModuleTable& table;
    modules::Manager& manager;
    operations::Journal& journal;
    operations::Runner& runner;
    operations::EventLog& events;
    /// Of the public port: which module serves what.
    const http::Router& router;
    Host& host;
    /// What migrations change; null of a process beside a primary.
    migration::Node* node;
    telemetry::Logger log;
    const Clock& clock;
};

/// Threads: any; changes wait for the journal, so not on an event loop.
class Control {
  public:
    Control(ControlEnvironment environment, CurrentTarget target);

    [[nodiscard]] api::Status status() const;
    /// Dependencies first.
    [[nodiscard]] std::vector<api::Module> modules() const;
    /// Errors: module-unknown, with the nearest name.
    [[nodiscard]] Result<api::Module> module(std::string_view name) const;
    [[nodiscard]] std::vector<api::Target> targets() const;
    [[nodiscard]] api::TargetView target() const;
    [[nodiscard]] std::uint64_t revision() const { return environment_.manager.revision(); }

    using Kind = modules::Change::Kind;
    /// Starts, stops or restarts modules.
    /// Errors: those of Manager::plan, Runner::submit and the journal.
    Result<api::ChangeResult> change(
        const Caller& caller, Kind kind, const modules::Names& names, const ChangeOptions& options
    );
    /// Errors: also target-unknown.
    Result<api::ChangeResult> set_target(
        const Caller& caller, const modules::Names& names, const ChangeOptions& options
    );
    Result<api::ChangeResult> reset_target(const Caller& caller, const ChangeOptions& options);
    /// Errors: also config-no-file, config-invalid.
    Result<api::ChangeResult> reload(const Caller& caller, const ChangeOptions& options);
    Result<api::Operation> cancel(const Caller& caller, std::string_view operation);
    /// Errors: those of Runner::pause and of the journal.
    Result<api::Operation> pause(const Caller& caller, std::string_view operation);
    Result<api::Operation> resume(const Caller& caller, std::string_view operation);

    /// Changes the node's form.
    /// Errors: those of migration::plan, Runner::submit and the journal; migration-under-way, preflight-failed.
    Result<api::ChangeResult> migrate(
        const Caller& caller, const api::MigrationRequest& request, const ChangeOptions& options
    );
    /// The newest migrations.
    /// Errors: those of the journal.
    [[nodiscard]] Result<std::vector<api::Operation>> migrations(std::size_t limit) const;
    /// A migration stored it: the target that runs, and counts after a restart.
    void took_target(const modules::Names& target);

    [[nodiscard]] Result<api::ConfigDiff> config_diff() const;
    /// Errors: ring-unknown.
    [[nodiscard]] Result<api::Ring> ring(std::string_view name) const;
    /// Errors: ring-unknown, member-unknown, member-lives; unavailable; journal-unavailable.
    Result<api::Ring> forget(
        const Caller& caller, const std::string& ring, const std::string& member
    );
    /// Errors: unavailable; journal-unavailable.
    Result<api::StopAdvice> ok_to_stop(const Caller& caller, bool release);
    Result<api::LogLevel> set_log_level(const Caller& caller, const std::string& level);
    Result<api::Message> shut_down(const Caller& caller);

    [[nodiscard]] const ControlEnvironment& environment() const { return environment_; }

  private:
    struct Wish;
    class Recorder;

    [[nodiscard]] api::Mode mode() const;
    void warn_of_command_line(Wish& wish, const modules::Names& target) const;
    [[nodiscard]] Result<void> check_for_migration() const;
    Result<api::Operation> steer(
        const Caller& caller,
        std::string_view action,
        std::string_view operation,
        const std::function<Result<api::Operation>()>& act
    );
    Result<api::ChangeResult> ask(const Caller& caller, Wish wish, const ChangeOptions& options);
    Result<api::ChangeResult> repeated(const Wish& wish, const ChangeOptions& options) const;
    /// Appends the entry with who, when and at which revision; a request unless it has an outcome.
    Result<void> forget_dead(const std::string& ring, const std::string& member);
    Result<std::uint64_t> audit(const Caller& caller, api::AuditEntry entry);
    /// What became of the request in entry `of`.
    void audit_outcome(std::uint64_t of, const Caller& caller, api::AuditEntry entry);
    Result<void> reload_now(operations::Progress& progress);
    [[nodiscard]] Result<modules::Plan> restarts_of(const SettingsChange& change) const;
    void note(
        api::Severity severity, std::string_view kind, std::string subject, std::string message
    );
    Result<Wish> target_wish(
        std::string kind,
        const modules::Names& names,
        std::optional<std::string> stored,
        api::TargetSource source,
        const ChangeOptions& options
    );

    const ControlEnvironment environment_;
    const TimestampMs started_;

    std::mutex asking_;  // held while a change is planned and submitted
    mutable std::mutex mutex_;
    CurrentTarget target_;  // guarded by mutex_
};

}  // namespace mimir::admin
