#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "modules/module_table.hpp"

namespace mimir::modules {

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
    /// When others that are wanted need a module that shall stop: stop them too, instead of refusing.
    bool cascade = false;
    /// Refuse when anything changed since this revision was seen.
    std::optional<std::uint64_t> if_revision = {};
};

/// What a change does, or did, in order; empty when everything is as wanted already.
struct Step {
    enum class Action : std::uint8_t { stop, start };
    Action action;
    std::string module;
    bool operator==(const Step&) const = default;
};
using Plan = std::vector<Step>;

/// Which modules someone asked for, as opposed to those that these need; and which are up.
struct Situation {
    Names wanted;
    Names running;
};

struct PlannedChange {
    Names wanted;
    Plan steps;
};

/// Pure: what a change means in a situation. A new target's modules start before those that it lacks stop, so that a
/// failed start leaves everything as it was.
/// Errors: invalid (no or unknown modules), conflict (others need what shall stop), each finding a line.
Result<PlannedChange> plan_change(
    const ModuleTable& table, const Situation& now, const Change& change
);

}  // namespace mimir::modules
