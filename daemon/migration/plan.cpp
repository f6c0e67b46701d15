#include "migration/plan.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mimir::migration {
namespace {

using modules::contains;
using modules::Moves;
using Action = Step::Action;

/// Stands before the public paths of all components, wherever they run.
constexpr std::string_view kGateway = "gateway";

/// Those of `all` that move thus, dependencies first.
Names components(const modules::ModuleTable& table, Moves moves) {
    const Names all = table.with_dependencies({"all"});
    Names names;
    for (const modules::Module& module : table.modules()) {
        if (module.moves == moves && contains(all, module.name)) names.push_back(module.name);
    }
    return names;
}

std::string join(const Names& names) { return fmt::format("{}", fmt::join(names, ",")); }

void add_all(std::vector<Step>& steps, Action action, const Names& subjects) {
    for (const std::string& subject : subjects) steps.push_back({action, subject});
}

Plan to_microservices(
    const modules::ModuleTable& table,
    const Names& moving,
    const Names& staying,
    const Situation& now
) {
    Plan plan{.target = staying, .processes = moving};
    plan.target.emplace_back(kGateway);
    const bool is_there = std::ranges::all_of(
                              moving,
                              [&](const std::string& name) {
                                  return contains(now.beside, name) && !contains(now.here, name);
                              }
                          ) &&
                          contains(now.here, kGateway);
    if (is_there) return plan;
    plan.steps.push_back({Action::start_module, std::string(kGateway)});
    for (const std::string& name : moving) {
        plan.steps.push_back({Action::start_process, name});
        if (table.find(name)->prove) plan.steps.push_back({Action::prove_process, name});
        plan.steps.push_back({Action::route_beside, name});
    }
    plan.steps.push_back({Action::store_target, join(plan.target)});
    plan.steps.push_back({Action::set_target, join(plan.target)});
    return plan;
}

Plan to_monolithic(const modules::ModuleTable& table, const Names& moving, const Situation& now) {
    Plan plan{.target = {"all"}};
    Names processes;
    for (const std::string& name : moving) {
        if (contains(now.beside, name)) processes.push_back(name);
    }
    const bool runs_here = std::ranges::all_of(moving, [&](const std::string& name) {
        return contains(now.here, name);
    });
    if (processes.empty() && runs_here && !contains(now.here, kGateway)) return plan;
    plan.steps.push_back({Action::start_module, std::string(kGateway)});
    for (const std::string& name : moving) {
        plan.steps.push_back({Action::start_module, name});
        if (table.find(name)->prove) plan.steps.push_back({Action::prove_module, name});
        plan.steps.push_back({Action::route_here, name});
    }
    plan.steps.push_back({Action::store_target, join(plan.target)});
    add_all(plan.steps, Action::stop_process, {processes.rbegin(), processes.rend()});
    plan.steps.push_back({Action::set_target, join(plan.target)});
    return plan;
}

}  // namespace

Result<Plan> plan(const modules::ModuleTable& table, const Situation& now, Form wanted) {
    const Names moving = components(table, Moves::beside);
    const Names staying = components(table, Moves::stays);
    for (const std::string& name : staying) {
        if (contains(now.here, name)) continue;
        return fail_with_id(
            ErrorKind::conflict,
            "migration-not-a-node",
            "{} does not run in this process: a node is migrated by the process that has its data",
            name
        );
    }
    return wanted == Form::microservices ? to_microservices(table, moving, staying, now)
                                         : to_monolithic(table, moving, now);
}

api::Step to_api(const Step& step) {
    const std::string& subject = step.subject;
    const auto made = [&](std::string_view action, std::string gate, std::string undo) {
        return api::Step{
            .action = std::string(action),
            .subject = subject,
            .gate = std::move(gate),
            .undo = std::move(undo),
        };
    };
    switch (step.action) {
        case Action::start_module:
            return made("start", subject + " is running", "stop " + subject + " if it did not run");
        case Action::start_process:
            return made(
                "start-process",
                "its admin API says ready, and its ring shows it healthy",
                "stop the process"
            );
        case Action::prove_process:
            return made(
                "prove-process", subject + " answered a canary request from its process", ""
            );
        case Action::prove_module:
            return made("prove", subject + " answered a canary request here", "");
        case Action::route_beside:
            return made(
                "route-to-process",
                "requests go to the process, and none is under way on the old instance",
                "requests go where the ring says"
            );
        case Action::route_here:
            return made(
                "route-here",
                "requests stay in this process, and none is under way in the other",
                "requests go where the ring says"
            );
        case Action::store_target:
            return made(
                "store-target",
                "target and processes are in the journal: no way back but a migration",
                ""
            );
        case Action::set_target:
            return made("set-target", "what the target lacks has drained and stopped here", "");
        case Action::stop_process: return made("stop-process", "it has drained and ended", "");
    }
    return {};
}

}  // namespace mimir::migration
