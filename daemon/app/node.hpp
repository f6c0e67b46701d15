#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "admin/control.hpp"
#include "app/host.hpp"
#include "app/recomposition.hpp"
#include "app/wiring.hpp"
#include "modules/manager.hpp"
#include "operations/event_log.hpp"
#include "operations/journal.hpp"
#include "operations/runner.hpp"

namespace mimir::app {

/// The parts of a process, put together: what runs modules, and what operates them. Signals and exit status are
/// Process' own.
class Node {
  public:
    struct Environment {
        std::shared_ptr<const Loaded> loaded;
        /// The process' own, without its name.
        std::vector<std::string> arguments = {};
        telemetry::Logger log = {};
        /// Told when a module's state changed, or all have failed for good; on any thread, must be quick.
        std::function<void()> changed = [] {};
        /// Begins the end of the process.
        std::function<void()> end = [] {};
    };

    /// Opens the journal, and ends there what an earlier process left.
    /// Errors: another process uses the state folder that was set; a stored target may be there, but cannot be read.
    static Result<std::unique_ptr<Node>> create(Environment environment);
    /// shut_down().
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    /// Starts what the target names; `done` is told what came of it, on the manager's thread.
    void start(std::function<void(const Result<void>&)> done);
    /// Stops everything. Idempotent.
    void shut_down();

    /// Names of the modules that have not stopped.
    [[nodiscard]] modules::Names stopping() const;

    Wiring& wiring() { return wiring_; }
    modules::Manager& manager() { return manager_; }
    admin::Control& control() { return control_; }

  private:
    explicit Node(Environment environment);

    Result<void> open_journal();
    /// The target to start with: command line, stored, file, default.
    [[nodiscard]] admin::CurrentTarget first_target();
    /// Ends processes that a migration left which the journal ended when it was opened.
    void end_left_over(const modules::Names& kept);
    void note_state(const modules::ModuleStatus& status);

    const Environment environment_;
    Wiring wiring_;
    operations::Journal journal_;
    const Result<void> journal_opened_;
    operations::EventLog events_;
    const modules::ModuleTable table_;
    Host host_;
    modules::Manager manager_;
    Recomposition recomposition_;
    operations::Runner runner_;
    const admin::CurrentTarget first_target_;
    admin::Control control_;
};

}  // namespace mimir::app
