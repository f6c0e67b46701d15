#pragma once

// Carries a plan out, step by step, each in the journal before its effect.
//
//   - Before the point of no return a failure or a cancellation undoes what was done, newest first; the old
//     instances ran on all the while.
//   - After it nothing fails any more: what is not clean is a warning, and a restart brings the new form about.

#include "api/types.hpp"
#include "base/cancellation.hpp"
#include "migration/plan.hpp"
#include "operations/runner.hpp"

namespace mimir::migration {

/// What a migration works on: the process with its modules, the processes beside it, and the routes between.
/// All of it can be repeated: what is so already is no error.
/// Threads: one at a time, which it blocks.
class Node {
  public:
    virtual ~Node() = default;

    [[nodiscard]] virtual Situation observe() = 0;
    /// Watches from now on what becomes of requests.
    virtual void begin() = 0;
    /// What was seen; nothing is watched any more.
    virtual api::MigrationReport end() = 0;
    /// Errors: those of the module, canceled.
    virtual Result<void> start_module(
        const std::string& module, const CancellationToken& cancel
    ) = 0;
    virtual Result<void> stop_module(const std::string& module) = 0;
    /// Returns when it is ready, and others see it healthy.
    /// Errors: why it does not become that, in time; canceled.
    virtual Result<void> start_process(
        const std::string& module, const CancellationToken& cancel
    ) = 0;
    virtual Result<void> stop_process(const std::string& module) = 0;
    /// Has the instance do its work: here, or beside.
    virtual Result<void> prove(
        const std::string& module, bool here, const CancellationToken& cancel
    ) = 0;
    /// Sends the module's requests to one instance, and returns when none is under way on others.
    /// Errors: timeout, naming how many are; canceled.
    virtual Result<void> route(
        const std::string& module, bool here, const CancellationToken& cancel
    ) = 0;
    /// Lets them go where the ring says.
    virtual void unroute(const std::string& module) = 0;
    /// The journal says so: this is the primary's target, and these are the processes to be kept.
    virtual void stored(const Names& target, const Names& processes) = 0;
    /// Stops here what the target lacks.
    virtual Result<void> set_target(const Names& target) = 0;
};

struct Options {
    /// Does everything up to the point of no return, and then undoes it.
    bool rehearse = false;
    /// Pauses before the point of no return.
    bool hold = false;
};

/// On the runner's thread.
/// Errors: those of the step that failed, and of the journal; canceled. All was undone, as far as the steps say.
Result<void> carry_out(
    Node& node, const Plan& plan, const Options& options, operations::Progress& progress
);

}  // namespace mimir::migration
