#pragma once

// Starts and stops modules while the process runs.
//
// The manager knows which modules are wanted; those and all that they need should run. A change
// says what is wanted from now on, and the plan is the difference to what runs: what must stop,
// dependents first, then what must start, dependencies first. Invariants:
//
//   - A Running module's dependencies are Running. So a service may keep references to objects of
//   its dependencies.
//   - Changes are carried out one after the other, in the order in which they were submitted, by
//   the manager's thread.
//   - A change that fails stops what it started; the rest runs on untouched, and what is wanted is
//   as before.
//   - A module that fails while Running is stopped after its dependents; the others run on.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "modules/module_table.hpp"
#include "modules/plan.hpp"
#include "modules/service.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::modules {

struct ModuleStatus {
    std::string name;
    State state = State::new_;
    TimestampMs since;
    /// Why it failed, or was stopped without being asked; empty otherwise.
    std::string error;
    /// Named by a target or a start, rather than needed by another.
    bool wanted = false;
};

struct ManagerOptions {
    /// How long a module may take to finish what is in flight when it stops.
    std::chrono::milliseconds stop_grace{30'000};
    /// Told of every change of a state, on the thread where it happens; must not call the manager.
    std::function<void(const ModuleStatus&)> observer;
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
    /// Errors: invalid (no or unknown modules), conflict (others need what shall stop; the revision
    /// is stale),
    ///         unavailable (shutting down).
    [[nodiscard]] Result<Plan> plan(const Change& change) const;

    /// Queues the change; `done` is called on the manager's thread with what was done.
    /// Errors: plan()'s, and those of a module that did not start.
    void submit(Change change, std::function<void(Result<Plan>)> done);
    /// The same, waiting for it.
    Result<Plan> apply(Change change);

    /// Cancels the change under way, refuses further ones, stops everything, and returns when all
    /// is stopped. Idempotent.
    void shut_down();

    /// Every module that was started since the process began, dependencies first.
    [[nodiscard]] std::vector<ModuleStatus> list() const;
    /// New for a module that never ran.
    [[nodiscard]] State state(std::string_view name) const;
    /// Grows with every change of what is wanted and of any module's state.
    [[nodiscard]] std::uint64_t revision() const;
    /// Empty when every wanted module and all that it needs is Running; else a line for each that
    /// is not.
    [[nodiscard]] Names not_running() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mimir::modules
