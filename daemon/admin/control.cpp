#include "admin/control.hpp"

#include <algorithm>

#include "admin/detail/wish.hpp"
#include "admin/settings_change.hpp"
#include "base/nearest.hpp"

namespace mimir::admin {
namespace {

using modules::Change;
using modules::Names;
using modules::Plan;

std::string_view verb(Change::Kind kind) {
    switch (kind) {
        case Change::Kind::start: return "start";
        case Change::Kind::stop: return "stop";
        case Change::Kind::restart: return "restart";
        case Change::Kind::set_target: break;
    }
    return "set-target";
}

api::Step to_step(const modules::Step& step) {
    const bool starts = step.action == modules::Step::Action::start;
    return {
        .action = starts ? "start" : "stop",
        .subject = step.module,
        .gate = starts ? step.module + " is running" : "nothing of " + step.module + " is left",
        .undo = starts ? "stop " + step.module : "",
    };
}

/// Where the point of no return is: behind the last start.
std::size_t commit_position(const Plan& plan) {
    std::size_t position = 0;
    for (std::size_t i = 0; i < plan.size(); ++i) {
        if (plan[i].action == modules::Step::Action::start) position = i + 1;
    }
    return position;
}

std::vector<api::Step> to_steps(const Plan& plan) {
    std::vector<api::Step> steps;
    for (const modules::Step& step : plan) steps.push_back(to_step(step));
    return steps;
}

/// Carries the change out. What went wrong after it could no longer fail is a warning: it was done all the same.
Result<void> carry_out(modules::Manager& manager, Change change, operations::Progress& progress) {
    bool can_fail = true;
    change.commit = [&can_fail, commit = std::move(change.commit)]() -> Result<void> {
        if (commit) MIMIR_TRY(commit());
        can_fail = false;
        return {};
    };
    const auto done = manager.apply(std::move(change));
    if (done) return {};
    if (can_fail) return tl::unexpected(done.error());
    progress.warn(done.error().message);
    return {};
}

api::Step apply_step(const SettingsChange& change) {
    return {
        .action = "apply-settings",
        .subject = change.summary(),
        .gate = "modules that start from now on have the new settings",
        .undo = "the former settings",
    };
}

/// Takes a step of the operation's own.
Result<void> take_step(
    operations::Progress& progress, std::size_t place, const std::function<Result<void>()>& take
) {
    MIMIR_TRY(progress.begins(place));
    auto taken = take();
    progress.ended(place, taken);
    return taken;
}

std::string join(const Names& names) { return fmt::format("{}", fmt::join(names, ",")); }

}  // namespace

/// Writes the steps of a change of modules to the journal.
class Control::Recorder final : public modules::StepListener {
  public:
    /// The change is the whole operation; `commit_step`, if any, goes behind its last start.
    Recorder(operations::Progress& progress, std::optional<api::Step> commit_step)
        : progress_(progress), commit_step_(std::move(commit_step)) {}
    /// The change is preceded by a step of the operation's own, taken when the change's plan is known.
    Recorder(
        operations::Progress& progress, api::Step first_step, std::function<Result<void>()> take
    )
        : progress_(progress), first_step_(std::move(first_step)), take_first_(std::move(take)) {}

    Result<void> planned(const modules::PlannedChange& change) override {
        commit_at_ = commit_position(change.steps);
        auto steps = to_steps(change.steps);
        if (commit_step_) {
            steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(commit_at_), *commit_step_);
        }
        if (first_step_) steps.insert(steps.begin(), *first_step_);
        MIMIR_TRY(progress_.plan(std::move(steps)));
        return first_step_ ? take_step(progress_, 0, take_first_) : Result<void>();
    }
    Result<void> begins(std::size_t index, const modules::Step&) override {
        MIMIR_TRY(progress_.begins(place(index)));
        began_ = true;
        return {};
    }
    void ended(std::size_t index, const modules::Step&, const Result<void>& result) override {
        progress_.ended(place(index), result);
    }
    void undone(std::size_t index, const modules::Step&) override {
        progress_.undone(place(index));
    }
    [[nodiscard]] std::size_t commit_place() const { return offset() + commit_at_; }
    /// Whether any module was touched.
    [[nodiscard]] bool began() const { return began_; }

  private:
    [[nodiscard]] std::size_t place(std::size_t index) const {
        const std::size_t shift = commit_step_ && index >= commit_at_ ? 1 : 0;
        return offset() + index + shift;
    }
    [[nodiscard]] std::size_t offset() const { return first_step_ ? 1 : 0; }

    operations::Progress& progress_;
    const std::optional<api::Step> commit_step_;
    const std::optional<api::Step> first_step_;
    const std::function<Result<void>()> take_first_;
    std::size_t commit_at_ = 0;
    bool began_ = false;
};

Control::Control(ControlEnvironment environment, CurrentTarget target)
    : environment_(std::move(environment)),
      started_(environment_.clock.now()),
      target_(std::move(target)) {}

Result<api::ChangeResult> Control::change(
    const Caller& caller, Kind kind, const Names& names, const ChangeOptions& options
) {
    std::lock_guard asking(asking_);
    Change change{
        .kind = kind,
        .modules = names,
        .cascade = options.cascade,
        .if_revision = options.if_revision,
    };
    Wish wish{.kind = std::string(verb(kind)), .subject = join(names)};
    if (auto first = repeated(wish, options); !first || first->operation) return first;
    const bool is_idle = environment_.runner.is_idle();  // asked first: what runs changes the plan
    MIMIR_TRY(const modules::PlannedChange planned, environment_.manager.plan(change));
    wish.steps = to_steps(planned.steps);
    wish.is_nothing =
        is_idle && planned.steps.empty() && planned.wanted == environment_.manager.wanted();
    wish.nothing_message =
        fmt::format("{} {} already", wish.subject, kind == Kind::stop ? "does not run" : "runs");
    wish.run = [this, change = std::move(change)](operations::Progress& progress) mutable {
        change.cancel = progress.cancel();
        change.listener = std::make_shared<Recorder>(progress, std::nullopt);
        return carry_out(environment_.manager, std::move(change), progress);
    };
    return ask(caller, std::move(wish), options);
}

Result<Control::Wish> Control::target_wish(
    std::string kind,
    const Names& names,
    std::optional<std::string> stored,
    api::TargetSource source,
    const ChangeOptions& options
) {
    Change change{.kind = Kind::set_target, .modules = names, .if_revision = options.if_revision};
    const bool is_idle = environment_.runner.is_idle();
    MIMIR_TRY(const modules::PlannedChange planned, environment_.manager.plan(change));
    const api::Step store{
        .action = stored ? "store-target" : "forget-target",
        .subject = stored.value_or(join(names)),
        .gate = stored ? "the target is in the journal: a restart comes back with it"
                       : "the stored target is forgotten",
    };
    Wish wish{.kind = std::move(kind), .subject = join(names)};
    wish.steps = to_steps(planned.steps);
    wish.steps.insert(
        wish.steps.begin() + static_cast<std::ptrdiff_t>(commit_position(planned.steps)), store
    );
    {
        std::lock_guard lock(mutex_);
        wish.is_nothing = is_idle && planned.steps.empty() &&
                          planned.wanted == environment_.manager.wanted() &&
                          target_.names == names && environment_.journal.stored_target() == stored;
    }
    wish.nothing_message = fmt::format("the target is {} already", wish.subject);
    if (stored) warn_of_command_line(wish, names);
    wish.run = [this, change = std::move(change), store, stored, names, source](
                   operations::Progress& progress
               ) mutable -> Result<void> {
        const auto recorder = std::make_shared<Recorder>(progress, store);
        change.cancel = progress.cancel();
        change.listener = recorder;
        change.commit = [&]() -> Result<void> {
            MIMIR_TRY(take_step(progress, recorder->commit_place(), [&] {
                return progress.commit(operations::TargetChange{stored});
            }));
            std::lock_guard lock(mutex_);
            target_ = {names, source};
            return {};
        };
        return carry_out(environment_.manager, std::move(change), progress);
    };
    return wish;
}

/// A target that is to be stored may be not the one that the next start takes.
void Control::warn_of_command_line(Wish& wish, const Names& target) const {
    const auto configured = environment_.host.configured_target();
    const bool wins = configured.source == api::TargetSource::command_line;
    if (!wins || configured.names == target) return;
    wish.warnings.push_back(fmt::format(
        "mimird was started with -target={}, which wins over the stored target when it starts "
        "again with the same flags",
        join(configured.names)
    ));
}

Result<api::ChangeResult> Control::set_target(
    const Caller& caller, const Names& names, const ChangeOptions& options
) {
    if (auto known = environment_.table.check_targets(names); !known) {
        return tl::unexpected(Error{ErrorKind::invalid, "target-unknown", known.error().message});
    }
    std::lock_guard asking(asking_);
    const Wish named{.kind = "set-target", .subject = join(names)};
    if (auto first = repeated(named, options); !first || first->operation) return first;
    MIMIR_TRY(
        Wish wish,
        target_wish("set-target", names, join(names), api::TargetSource::changed, options)
    );
    return ask(caller, std::move(wish), options);
}

Result<api::ChangeResult> Control::reset_target(
    const Caller& caller, const ChangeOptions& options
) {
    std::lock_guard asking(asking_);
    const auto configured = environment_.host.configured_target();
    const Wish named{.kind = "reset-target", .subject = join(configured.names)};
    if (auto first = repeated(named, options); !first || first->operation) return first;
    MIMIR_TRY(
        Wish wish,
        target_wish("reset-target", configured.names, std::nullopt, configured.source, options)
    );
    return ask(caller, std::move(wish), options);
}

Result<api::ChangeResult> Control::reload(const Caller& caller, const ChangeOptions& options) {
    std::lock_guard asking(asking_);
    Wish wish{.kind = "reload-config"};
    if (auto first = repeated(wish, options); !first || first->operation) return first;
    MIMIR_TRY(check_revision(*this, options));
    const bool is_idle = environment_.runner.is_idle();
    MIMIR_TRY(auto settings, environment_.host.read_settings());
    SettingsChange change(settings->differences(), environment_.manager);
    wish.is_nothing = is_idle && change.is_nothing();
    wish.nothing_message = "a reload would change nothing";
    wish.warnings = change.warnings();
    MIMIR_TRY(const Plan restarts, restarts_of(change));
    if (!change.is_nothing()) {
        wish.steps = to_steps(restarts);
        wish.steps.insert(wish.steps.begin(), apply_step(change));
    }
    wish.run = [this](operations::Progress& progress) -> Result<void> {
        MIMIR_TRY(reload_now(progress));
        for (std::string& failure : environment_.host.reload_processes()) progress.warn(failure);
        return {};
    };
    return ask(caller, std::move(wish), options);
}

/// The file is read again: what was asked for before this one may have changed what it means.
Result<void> Control::reload_now(operations::Progress& progress) {
    MIMIR_TRY(const auto settings, environment_.host.read_settings());
    const SettingsChange change(settings->differences(), environment_.manager);
    if (change.is_nothing()) return progress.plan({});
    bool applied = false;
    const auto apply = [&]() -> Result<void> {
        // A restart of mimird would read the file anyway: there is no way back but to mend it.
        MIMIR_TRY(progress.commit(std::nullopt));
        settings->apply();
        applied = true;
        return {};
    };
    auto restart = change.restart();
    if (!restart) {
        MIMIR_TRY(progress.plan({apply_step(change)}));
        return take_step(progress, 0, apply);
    }
    const auto recorder = std::make_shared<Recorder>(progress, apply_step(change), apply);
    restart->cancel = progress.cancel();
    restart->listener = recorder;
    auto restarted = carry_out(environment_.manager, *restart, progress);
    const bool ends =
        progress.cancel().canceled();  // the process: its next start has the new settings
    if (restarted || ends || !applied) return restarted;
    settings->revert();
    progress.undone(0);
    if (!recorder->began()) return restarted;
    restart->listener = nullptr;
    const auto back = environment_.manager.apply(*restart);
    progress.note(
        back ? "the former settings are in force again, and their modules were restarted with "
               "them; the file still has what did not work"
             : "the former settings are in force again, but with them a module did not start "
               "either: " +
                   back.error().message
    );
    return restarted;
}

/// How the modules whose settings changed are restarted; nothing when none of them runs.
Result<Plan> Control::restarts_of(const SettingsChange& change) const {
    const auto restart = change.restart();
    if (!restart) return Plan();
    return environment_.manager.plan(*restart).map([](const modules::PlannedChange& planned) {
        return planned.steps;
    });
}

/// The result of the first time, when the request's key was seen before; an empty one when it was not.
Result<api::ChangeResult> Control::repeated(const Wish& wish, const ChangeOptions& options) const {
    if (options.idempotency_key.empty()) return api::ChangeResult();
    MIMIR_TRY(const auto known, environment_.journal.find_by_key(options.idempotency_key));
    if (!known) return api::ChangeResult();
    if (known->fingerprint != wish.fingerprint(options)) {
        return fail_with_id(
            ErrorKind::conflict,
            "idempotency-key-reused",
            "the key \"{}\" was used for {}, which was \"{}\"",
            options.idempotency_key,
            known->operation.id,
            known->operation.summary
        );
    }
    MIMIR_TRY(auto operation, environment_.runner.find(known->operation.id));
    return api::ChangeResult{
        .changed = true,
        .message = fmt::format("asked for before, as {}", operation.id),
        .warnings = operation.warnings,
        .steps = operation.steps,
        .operation = std::move(operation),
    };
}

Result<api::ChangeResult> Control::ask(
    const Caller& caller, Wish wish, const ChangeOptions& options
) {
    const std::string summary =
        wish.subject.empty() ? wish.kind : fmt::format("{} {}", wish.kind, wish.subject);
    if (wish.is_nothing) {
        return api::ChangeResult{
            .dry_run = options.dry_run, .message = wish.nothing_message, .warnings = wish.warnings
        };
    }
    api::ChangeResult result{
        .changed = true,
        .dry_run = options.dry_run,
        .message = summary,
        .warnings = wish.warnings,
        .steps = wish.steps,
    };
    if (options.dry_run) return result;

    MIMIR_TRY(
        const std::uint64_t entry,
        audit(
            caller,
            {.action = wish.kind,
             .subject = wish.subject,
             .detail = options.cascade ? "cascade" : ""}
        )
    );
    auto submitted = environment_.runner.submit({
        .kind = wish.kind,
        .summary = summary,
        .requested_by = to_string(caller),
        .idempotency_key = options.idempotency_key,
        .fingerprint = wish.fingerprint(options),
        .can_pause = wish.can_pause,
        .run =
            [run = std::move(wish.run), warnings = wish.warnings](operations::Progress& progress) {
                auto outcome = run(progress);
                if (outcome) {
                    for (const std::string& warning : warnings) progress.warn(warning);
                }
                return outcome;
            },
        .ended =
            [this, caller, entry](const api::Operation& operation) {
                audit_outcome(
                    entry,
                    caller,
                    {.action = operation.kind,
                     .subject = operation.id,
                     .detail = operation.error,
                     .outcome = std::string(to_string(operation.state))}
                );
            },
    });
    if (!submitted) {
        audit_outcome(
            entry,
            caller,
            {.action = wish.kind,
             .subject = wish.subject,
             .detail = submitted.error().message,
             .outcome = "refused"}
        );
        return tl::unexpected(submitted.error());
    }
    result.operation = std::move(submitted->operation);
    return result;
}

Result<api::Operation> Control::steer(
    const Caller& caller,
    std::string_view action,
    std::string_view operation,
    const std::function<Result<api::Operation>()>& act
) {
    MIMIR_TRY(const auto found, environment_.runner.find(operation));
    if (has_ended(found.state)) {
        return fail_with_id(
            ErrorKind::conflict, "operation-ended", "{} is {}", found.id, to_string(found.state)
        );
    }
    MIMIR_TRY(
        audit(caller, {.action = std::string(action), .subject = found.id, .detail = found.summary})
    );
    return act();
}

Result<api::Operation> Control::cancel(const Caller& caller, std::string_view operation) {
    return steer(caller, "cancel", operation, [&] {
        return environment_.runner.cancel(operation);
    });
}

Result<api::Operation> Control::pause(const Caller& caller, std::string_view operation) {
    return steer(caller, "pause", operation, [&] { return environment_.runner.pause(operation); });
}

Result<api::Operation> Control::resume(const Caller& caller, std::string_view operation) {
    return steer(caller, "resume", operation, [&] {
        return environment_.runner.resume(operation);
    });
}

Result<api::ConfigDiff> Control::config_diff() const {
    MIMIR_TRY(const auto settings, environment_.host.read_settings());
    return api::ConfigDiff{.file = status().config_file, .differences = settings->differences()};
}

Result<api::LogLevel> Control::set_log_level(const Caller& caller, const std::string& level) {
    MIMIR_TRY(
        const std::uint64_t entry,
        audit(
            caller,
            {.action = "log-level",
             .subject = level,
             .detail = "was " + environment_.host.log_level()}
        )
    );
    auto set = environment_.host.set_log_level(level);
    audit_outcome(
        entry,
        caller,
        {.action = "log-level",
         .subject = level,
         .detail = set ? "" : set.error().message,
         .outcome = set ? "done" : "failed"}
    );
    MIMIR_TRY(set);
    note(
        api::Severity::info,
        "config",
        "log-level",
        fmt::format("{} set the log level to {}", to_string(caller), level)
    );
    return api::LogLevel{environment_.host.log_level()};
}

Result<api::StopAdvice> Control::ok_to_stop(const Caller& caller, bool release) {
    MIMIR_TRY(
        const std::uint64_t entry,
        audit(
            caller,
            {.action = "ok-to-stop", .subject = "mimird", .detail = release ? "release" : ""}
        )
    );
    auto advice = environment_.host.ok_to_stop(release);
    audit_outcome(
        entry,
        caller,
        {.action = "ok-to-stop",
         .subject = "mimird",
         .detail = advice ? advice->why : advice.error().message,
         .outcome = !advice                 ? "failed"
                    : advice->ok || release ? "done"
                                            : "refused"}
    );
    return advice;
}

Result<void> Control::forget_dead(const std::string& ring, const std::string& member) {
    MIMIR_TRY(const api::Ring read, this->ring(ring));
    const auto found = std::ranges::find(read.members, member, &api::RingMember::id);
    if (found == read.members.end()) {
        std::vector<std::string_view> names;
        for (const api::RingMember& one : read.members) names.push_back(one.id);
        return fail_with_id(
            ErrorKind::not_found,
            "member-unknown",
            "ring {} has no member \"{}\"{}",
            ring,
            member,
            did_you_mean(member, names)
        );
    }
    if (found->healthy) {
        return fail_with_id(
            ErrorKind::conflict,
            "member-lives",
            "{} was heard of {} ms ago",
            member,
            found->seen_ms_ago
        );
    }
    return environment_.host.forget(ring, member);
}

Result<api::Ring> Control::forget(
    const Caller& caller, const std::string& ring, const std::string& member
) {
    const std::string subject = fmt::format("{}/{}", ring, member);
    MIMIR_TRY(
        const std::uint64_t entry, audit(caller, {.action = "ring-forget", .subject = subject})
    );
    auto forgotten = forget_dead(ring, member);
    audit_outcome(
        entry,
        caller,
        {.action = "ring-forget",
         .subject = subject,
         .detail = forgotten ? "" : forgotten.error().message,
         .outcome = forgotten ? "done" : "failed"}
    );
    MIMIR_TRY(forgotten);
    note(
        api::Severity::warning,
        "ring",
        subject,
        fmt::format("{} removed {} from the ring {}", to_string(caller), member, ring)
    );
    return this->ring(ring);
}

Result<api::Message> Control::shut_down(const Caller& caller) {
    MIMIR_TRY(audit(caller, {.action = "shutdown", .subject = "mimird"}));
    note(api::Severity::info, "daemon", "mimird", to_string(caller) + " shuts mimird down");
    environment_.host.shut_down();
    return api::Message{"mimird drains and ends"};
}

Result<std::uint64_t> Control::audit(const Caller& caller, api::AuditEntry entry) {
    entry.time = environment_.clock.now();
    entry.actor = caller.name;
    entry.uid = caller.uid;
    entry.pid = caller.pid;
    entry.via = caller.via;
    entry.revision = revision();
    if (entry.outcome.empty()) entry.outcome = "requested";
    return environment_.journal.audit(entry);
}

void Control::audit_outcome(std::uint64_t of, const Caller& caller, api::AuditEntry entry) {
    entry.of = of;
    const auto written = audit(caller, entry);
    if (!written) {
        environment_.log.error(
            "the outcome of a change is not in the audit log",
            {{"entry", of},
             {"subject", entry.subject},
             {"outcome", entry.outcome},
             {"err", written.error()}}
        );
    }
}

void Control::note(
    api::Severity severity, std::string_view kind, std::string subject, std::string message
) {
    environment_.events.add({
        .severity = severity,
        .kind = std::string(kind),
        .subject = std::move(subject),
        .message = std::move(message),
    });
}

}  // namespace mimir::admin
