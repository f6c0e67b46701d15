#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/types.hpp"
#include "base/result.hpp"
#include "modules/module_table.hpp"

namespace mimir::migration {

using modules::Names;

using api::Form;

/// Where the node's components run, as observed.
struct Situation {
    /// In the primary process, whoever asked for them.
    Names here;
    /// In processes beside it that are ready.
    Names beside;
};

/// What is done, in order. Each can be repeated, and does nothing when it is so already.
struct Step {
    enum class Action : std::uint8_t {
        start_module,   ///< in the primary process
        start_process,  ///< beside it, and waits until it is ready
        prove_process,  ///< has the module do its work beside
        prove_module,   ///< and here
        route_beside,   ///< requests go to the process from now on
        route_here,     ///< and to the primary
        store_target,   ///< the point of no return: target and processes of the new form
        set_target,     ///< what the new target lacks stops in the primary
        stop_process,
    };
    Action action;
    /// A module; a target for the last but one.
    std::string subject;
    bool operator==(const Step&) const = default;
};

struct Plan {
    std::vector<Step> steps;
    /// Of the primary process from then on.
    Names target;
    /// Modules that have a process beside it from then on.
    Names processes;
};

/// Pure: the way from what is to the form that is wanted; no steps when it is that already.
/// Errors: migration-not-a-node (conflict): none of the modules that stay runs here.
Result<Plan> plan(const modules::ModuleTable& table, const Situation& now, Form wanted);

/// As the journal and users see it.
api::Step to_api(const Step& step);

}  // namespace mimir::migration
