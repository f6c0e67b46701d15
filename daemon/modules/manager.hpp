#pragma once

// Starts and stops modules while the process runs.
//
// The manager knows which modules are wanted; those, the modules that always run, and all that they
// need should run. A change says what is wanted from now on, and the plan is the difference to what
// runs: what must stop, dependents first, then what must start, dependencies first. Invariants:
//
//   - A Running module's dependencies are Running. So a service may keep references to objects of
//   its dependencies.
//   - Changes are carried out one after the other, in the order in which they were submitted, by
//   the manager's thread.
//   - A change that fails is undone: what it started is stopped again, unless it should have been
//   running before; the rest runs on untouched, and what is wanted is as before.
//   - A module that fails while Running is stopped after its dependents; the others run on. It is
//   started again after a back-off, and they once it runs. Changes do not wait for that.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "modules/module_table.hpp"
#include "modules/plan.hpp"
#include "modules/restart_policy.hpp"
#include "modules/service.hpp"
#include "modules/status_board.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::modules {

struct ManagerOptions {
    /// How long a module may take to finish what is in flight when it stops.
    std::chrono::milliseconds stop_grace{30'000};
    /// A module that takes this much longer is warned of, and again after each interval.
    std::chrono::milliseconds stop_overdue{5'000};
    std::chrono::milliseconds stop_overdue_interval{10'000};
    RestartPolicy restart = {};
    /// Where revision() starts.
    std::uint64_t first_revision = 0;
    /// Told of every change of a state, on the thread where it happens; must not call the manager.
    std::function<void(const ModuleStatus&)> observer = {};
    /// Called when Manager::gave_up() becomes true, on the manager's thread.
    std::function<void()> gave_up = {};
};

/// Threads: any; not from within a service.
class Manager {
  public:
    /// All references outlive the manager.
    Manager(
        const ModuleTable& table,
        ManagerOptions options,
        telemetry::Logger log,
        telemetry::Registry& registry,
        const Clock& clock = system_clock()
    );
    /// shut_down().
    ~Manager();
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

    /// What the change would do now.
    /// Errors: plan_change()'s, and
    ///     revision-stale: conflict; something changed since Change::if_revision
    ///     shutting-down: unavailable
    [[nodiscard]] Result<PlannedChange> plan(const Change& change) const;

    /// Queues the change; `done` is called on the manager's thread with what was done.
    /// Errors: plan()'s; canceled; those of a module that did not start, of the commit, and of the
    ///     listener: the change was undone. What was not clean and came too late for that (a stop,
    ///     or the listener's word on one): the change was carried out all the same.
    void submit(Change change, std::function<void(Result<Plan>)> done);
    /// The same, waiting for it.
    Result<Plan> apply(Change change);

    /// Cancels the change under way, refuses further ones, stops everything, and returns when all
    /// is stopped. Idempotent.
    void shut_down();

    /// Every module that can run, dependencies first; New is what never ran.
    [[nodiscard]] std::vector<ModuleStatus> statuses() const;
    /// Those of them that were started since the process began.
    [[nodiscard]] std::vector<ModuleStatus> list() const;
    /// New for a module that never ran.
    [[nodiscard]] State state(std::string_view name) const;
    /// Named by a target or a start; of a change under way too.
    [[nodiscard]] Names wanted() const;
    /// Grows with every change of what is wanted and of any module's state.
    [[nodiscard]] std::uint64_t revision() const;
    /// Empty when every module that should run is Running; else a line for each that is not.
    [[nodiscard]] Names not_running() const;
    /// Whether none of the wanted modules runs or will be started again: each failed for good, or
    /// came to its own end. Not when an operator wants nothing.
    [[nodiscard]] bool gave_up() const;
    /// Whether it gave up because the last of what was wanted came to its own end: no failure.
    [[nodiscard]] bool came_to_an_end() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mimir::modules
