#include "modules/conductor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mimir::modules {
namespace {

using namespace std::chrono;

bool starts(const Step& step) { return step.action == Step::Action::start; }

/// How many of the steps come before the change can no longer fail.
std::size_t fallible_steps(const Plan& steps) {
    const auto last_start = std::find_if(steps.rbegin(), steps.rend(), starts);
    return static_cast<std::size_t>(steps.rend() - last_start);
}

Result<void> tell_begin(StepListener* listener, std::size_t index, const Step& step) {
    return listener != nullptr ? listener->begins(index, step) : Result<void>();
}

}  // namespace

/// A change while it is carried out.
struct Conductor::Run {
    const Change& change;
    const PlannedChange planned;
    std::size_t done = 0;            ///< steps
    std::string did_not_start = {};  ///< the module
    Result<void> unclean = {};       ///< what went wrong and did not end the change
};

Conductor::Conductor(
    const ModuleTable& table,
    const ManagerOptions& options,
    const telemetry::Logger& log,
    telemetry::Registry& registry,
    const Clock& clock,
    Lives::Ended ended
)
    : table_(table),
      clock_(clock),
      board_(table, clock.now(), options.first_revision),
      supervisor_(options.restart, board_, log, registry, clock),
      lives_(options, board_, log, registry, clock, std::move(ended)) {}

Result<PlannedChange> Conductor::plan(const Change& change) const {
    const auto revision = board_.revision();
    if (change.if_revision && *change.if_revision != revision) {
        return fail_with_id(
            ErrorKind::conflict,
            "revision-stale",
            "the modules have changed since revision {}; now it is {}",
            *change.if_revision,
            revision
        );
    }
    return plan_change(table_, board_.situation(), change);
}

Result<Plan> Conductor::carry_out(const Change& change) {
    MIMIR_TRY(change.cancel.check());
    retire_failed();
    MIMIR_TRY(auto planned, plan(change));
    if (change.listener) MIMIR_TRY(change.listener->planned(planned));
    // What is being started is wanted: until it runs, the process is not ready.
    board_.set_wanted(planned.wanted);
    Run run{.change = change, .planned = std::move(planned)};
    if (auto settled = settle(run); !settled) {
        if (change.cancel.canceled()) settled.error().kind = ErrorKind::canceled;
        undo(run);
        return tl::unexpected(settled.error());
    }
    settle_on(run.planned.wanted);
    came_to_an_end_ = false;
    finish(run);
    MIMIR_TRY(run.unclean);
    return run.planned.steps;
}

/// Takes the change to where it can no longer fail.
Result<void> Conductor::settle(Run& run) {
    const Plan& steps = run.planned.steps;
    const std::size_t fallible = fallible_steps(steps);
    while (run.done < fallible) {
        MIMIR_TRY(run.change.cancel.check());
        MIMIR_TRY(tell_begin(run.change.listener.get(), run.done, steps[run.done]));
        MIMIR_TRY(take_step(run));
    }
    MIMIR_TRY(run.change.cancel.check());
    return run.change.commit ? run.change.commit() : Result<void>();
}

/// The rest: stops, all of them.
void Conductor::finish(Run& run) {
    const Plan& steps = run.planned.steps;
    while (run.done < steps.size()) {
        auto told = tell_begin(run.change.listener.get(), run.done, steps[run.done]);
        if (!told) run.unclean = std::move(told);
        (void)take_step(run);
    }
}

/// Errors: of a start. What did not stop cleanly has stopped all the same.
Result<void> Conductor::take_step(Run& run) {
    const Step& step = run.planned.steps[run.done];
    retire_failed();
    if (starts(step)) supervisor_.forget(step.module);
    const auto result =
        starts(step) ? start(step.module, run.change.cancel) : lives_.stop(step.module);
    if (run.change.listener) run.change.listener->ended(run.done, step, result);
    if (!result && starts(step)) {
        run.did_not_start = step.module;
        return with_context(result, "starting " + step.module);
    }
    if (!result) run.unclean = with_context(result, "stopping " + step.module);
    ++run.done;
    return {};
}

/// Back to what was wanted before. What that needs and is down now starts again.
void Conductor::undo(const Run& run) {
    const Plan& steps = run.planned.steps;
    const Names kept = table_.needed(settled_);
    for (std::size_t i = run.done; i-- > 0;) {
        if (!starts(steps[i]) || contains(kept, steps[i].module)) continue;
        (void)lives_.stop(steps[i].module);
        if (run.change.listener) run.change.listener->undone(i, steps[i]);
    }
    board_.set_wanted(settled_);
    for (std::size_t i = 0; i < run.done; ++i) {
        if (!starts(steps[i])) await(steps[i].module);
    }
    if (!run.did_not_start.empty()) try_again(run.did_not_start, nanoseconds(0));
}

Result<void> Conductor::start(const std::string& name, const CancellationToken& cancel) {
    const Module& module = *table_.find(name);
    for (const std::string& dependency : module.dependencies) {
        if (is_up(dependency)) continue;
        return fail(
            ErrorKind::unavailable, "it needs {}, which is {}", dependency, outlook(dependency)
        );
    }
    return lives_.start(module, cancel);
}

void Conductor::retire(const std::string& name, std::uint64_t number) {
    const auto* life = lives_.find(name);
    if (life == nullptr || life->number != number) return;  // stopped meanwhile
    const auto lived = clock_.steady_now() - life->running_since;
    const bool failed = board_.state(name) == State::failed;
    stop_dependents(name, fmt::format("stopped, because {} {}", name, failed ? "failed" : "ended"));
    (void)lives_.stop(name);
    if (failed || table_.find(name)->always) {
        try_again(name, lived);
        return;
    }
    Names wanted = settled_;
    std::erase(wanted, name);
    came_to_an_end_ = wanted.empty();
    settle_on(wanted);
    board_.set_wanted(wanted);
}

/// What failed a moment ago and is still to be retired has no place in a plan, but may use what the
/// plan stops, and be used.
void Conductor::retire_failed() {
    const auto modules = table_.modules();
    for (auto module = modules.rbegin(); module != modules.rend(); ++module) {
        const auto* life = lives_.find(module->name);
        if (life == nullptr || board_.state(module->name) != State::failed) continue;
        retire(module->name, life->number);
    }
}

void Conductor::stop_dependents(const std::string& name, std::string_view why) {
    const auto modules = table_.modules();
    for (auto module = modules.rbegin(); module != modules.rend(); ++module) {
        if (!table_.depends_on(module->name, name)) continue;
        if (lives_.find(module->name) == nullptr) continue;
        (void)lives_.stop(module->name);
        board_.explain(module->name, std::string(why));
        await(module->name);
    }
}

std::string Conductor::due_restart() const {
    const Names due = supervisor_.due();
    if (due.empty()) return {};
    for (const Module& module : table_.modules()) {
        if (!contains(due, module.name)) continue;
        const bool may_start = std::ranges::all_of(module.dependencies, [this](const auto& name) {
            return is_up(name);
        });
        if (may_start) return module.name;
    }
    return {};
}

void Conductor::restart(const std::string& name, const CancellationToken& cancel) {
    supervisor_.restarting(name);
    if (start(name, cancel)) return;
    if (cancel.canceled()) {
        await(name);  // it gave way to a change, which may want otherwise
    } else {
        try_again(name, nanoseconds(0));
    }
}

void Conductor::stop_all() {
    const auto modules = table_.modules();
    for (auto module = modules.rbegin(); module != modules.rend(); ++module) {
        (void)lives_.stop(module->name);
    }
}

bool Conductor::is_anything_left() const {
    if (settled_.empty()) return !came_to_an_end_;
    return std::ranges::any_of(settled_, [this](const auto& name) { return may_run(name); });
}

/// Whether it should run. What only a change under way wants does not count.
bool Conductor::is_needed(const std::string& name) const {
    return contains(table_.needed(settled_), name);
}

bool Conductor::is_up(const std::string& name) const {
    return !table_.find(name)->factory || board_.state(name) == State::running;
}

/// Whether it runs, or is to be started again and so is, or runs, all that it needs.
bool Conductor::may_run(const std::string& name) const {
    const Module& module = *table_.find(name);
    if (module.factory && is_up(name)) return true;
    if (module.factory && !supervisor_.is_pending(name)) return false;
    return std::ranges::all_of(module.dependencies, [this](const std::string& dependency) {
        return may_run(dependency);
    });
}

/// "Failed and will be tried again in 4 s"
std::string Conductor::outlook(const std::string& name) const {
    const ModuleStatus status = board_.status(name);
    if (!status.next_restart) return std::string(to_string(status.state));
    const auto left = std::max(*status.next_restart - clock_.now(), milliseconds(0));
    return fmt::format(
        "{} and will be tried again in {} s", to_string(status.state), ceil<seconds>(left).count()
    );
}

void Conductor::try_again(const std::string& name, nanoseconds lived) {
    if (is_needed(name)) supervisor_.failed(name, lived);
}

void Conductor::await(const std::string& name) {
    if (is_needed(name) && !is_up(name)) supervisor_.await(name);
}

void Conductor::settle_on(const Names& wanted) {
    settled_ = wanted;
    supervisor_.keep_only(table_.needed(wanted));
}

}  // namespace mimir::modules
