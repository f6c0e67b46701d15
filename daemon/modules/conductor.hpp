#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "modules/lives.hpp"
#include "modules/manager.hpp"
#include "modules/status_board.hpp"
#include "modules/supervisor.hpp"

namespace mimir::modules {

/// What the manager does on its thread, one call after the other: carries out changes, and keeps
/// running what should. manager.hpp has the invariants.
/// Threads: one, but for plan() and the observers.
class Conductor {
  public:
    /// All references outlive it. `ended` is called on a module's thread; retire() is to follow.
    Conductor(
        const ModuleTable& table,
        const ManagerOptions& options,
        const telemetry::Logger& log,
        telemetry::Registry& registry,
        const Clock& clock,
        Lives::Ended ended
    );

    /// Errors: Manager::plan()'s, but for shutting-down.
    [[nodiscard]] Result<PlannedChange> plan(const Change& change) const;
    /// Errors: Manager::submit()'s.
    Result<Plan> carry_out(const Change& change);

    /// This life ended, or failed, without being asked to: stops what needs the module, then it.
    void retire(const std::string& name, std::uint64_t number);

    /// A module that is to be started again now; empty when there is none.
    [[nodiscard]] std::string due_restart() const;
    /// Until there may be another.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> until_next_restart() const {
        return supervisor_.until_next();
    }
    void restart(const std::string& name, const CancellationToken& cancel);

    /// Dependents first.
    void stop_all();

    /// See Manager::gave_up().
    [[nodiscard]] bool is_anything_left() const;
    /// See Manager::came_to_an_end().
    [[nodiscard]] bool came_to_an_end() const { return came_to_an_end_; }

    [[nodiscard]] const StatusBoard& board() const { return board_; }

  private:
    struct Run;

    Result<void> settle(Run& run);
    void finish(Run& run);
    Result<void> take_step(Run& run);
    void undo(const Run& run);
    Result<void> start(const std::string& name, const CancellationToken& cancel);
    void retire_failed();
    void stop_dependents(const std::string& name, std::string_view why);

    [[nodiscard]] bool is_needed(const std::string& name) const;
    [[nodiscard]] bool is_up(const std::string& name) const;
    [[nodiscard]] bool may_run(const std::string& name) const;
    [[nodiscard]] std::string outlook(const std::string& name) const;
    void try_again(const std::string& name, std::chrono::nanoseconds lived);
    void await(const std::string& name);
    void settle_on(const Names& wanted);

    const ModuleTable& table_;
    const Clock& clock_;
    StatusBoard board_;
    Supervisor supervisor_;
    Lives lives_;
    Names settled_;                // what is wanted, but for a change that may yet be undone
    bool came_to_an_end_ = false;  // the last of what was wanted, by itself
};

}  // namespace mimir::modules
