#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/result.hpp"
#include "modules/module_table.hpp"

namespace mimir::modules {

/// What a change does, or did, in order; empty when everything is as wanted already.
struct Step {
    enum class Action : std::uint8_t { stop, start };
    Action action;
    std::string module;
    bool operator==(const Step&) const = default;
};
using Plan = std::vector<Step>;

/// What a change means: what is wanted from then on (never what always runs), and the way there.
struct PlannedChange {
    Names wanted;
    Plan steps;
};

/// Follows a change while it is carried out.
/// Threads: the manager's, which waits meanwhile: may ask the manager, not wait for a change.
class StepListener {
  public:
    virtual ~StepListener() = default;

    /// The very plan, before its first step. An error refuses the change.
    virtual Result<void> planned(const PlannedChange& change) = 0;
    /// Before the step's effect; `index` is its place in the plan. An error ends the change like a
    /// failed start; once the change can no longer fail it goes on, and tells of it in the end.
    virtual Result<void> begins(std::size_t index, const Step& step) = 0;
    /// After the effect, unless begins() refused it. A stop with an error has stopped all the same.
    virtual void ended(std::size_t index, const Step& step, const Result<void>& result) = 0;
    /// What this step started was stopped again.
    virtual void undone(std::size_t index, const Step& step) = 0;
};

/// A wish of an operator, or of the process when it starts.
struct Change {
    enum class Kind : std::uint8_t {
        start,       ///< want these too
        stop,        ///< want these no more
        restart,     ///< stop these and what depends on them, then start the same again
        set_target,  ///< want exactly these
    };
    Kind kind = Kind::start;
    Names modules;
    /// When others that are wanted need a module that shall stop: stop them too, instead of
    /// refusing.
    bool cascade = false;
    /// Refuse when anything changed since this revision was seen.
    std::optional<std::uint64_t> if_revision = {};
    /// Makes the change give up before its next step, and the start under way with it; it is undone
    /// then. Of no effect once it can no longer fail. The manager cancels it when it shuts down.
    CancellationToken cancel = {};
    /// Called on the manager's thread once the change can no longer fail: after its last start, and
    /// before any stop that follows; for a plan that is empty or only stops, before the first step.
    /// An error undoes the change.
    std::function<Result<void>()> commit = {};
    /// Told of what happens; null when nobody asks.
    std::shared_ptr<StepListener> listener = {};
};

/// Which modules someone asked for, as opposed to those that these need; and which are up.
struct Situation {
    Names wanted;
    Names running;
};

/// Pure: what a change means in a situation. A new target's modules start before those that it
/// lacks stop, so that a failed start leaves everything as it was.
/// Errors: each finding a line:
///     module-none-named, module-unknown: invalid
///     module-needed: conflict; others that are wanted need what shall stop
///     module-always-runs: conflict; it, or what needs it, shall stop but always runs
Result<PlannedChange> plan_change(
    const ModuleTable& table, const Situation& now, const Change& change
);

}  // namespace mimir::modules
