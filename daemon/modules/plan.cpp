#include "modules/plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.hpp"

namespace mimir::modules {
namespace {

/// Those of `names` that are not in `without`, in their order.
Names minus(Names names, const Names& without) {
    std::erase_if(names, [&](const std::string& name) { return contains(without, name); });
    return names;
}

Names plus(Names names, const Names& more) {
    const Names added = minus(more, names);
    names.insert(names.end(), added.begin(), added.end());
    return names;
}

/// The named modules, with the members of groups such as `all` instead of the group.
Names expand(const ModuleTable& table, const Names& names) {
    Names expanded;
    for (const std::string& name : names) {
        const Module& module = *table.find(name);
        expanded =
            plus(expanded, module.factory ? Names{name} : expand(table, module.dependencies));
    }
    return expanded;
}

/// Errors: module-none-named, module-unknown.
Result<void> check_names(const ModuleTable& table, const Names& names) {
    if (names.empty()) {
        return fail_with_id(ErrorKind::invalid, "module-none-named", "no module is named");
    }
    std::vector<std::string_view> known;
    for (const Module& module : table.modules()) known.push_back(module.name);
    Names findings;
    for (const std::string& name : names) {
        if (table.find(name) != nullptr) continue;
        findings.push_back(
            fmt::format("there is no module \"{}\"{}", name, did_you_mean(name, known))
        );
    }
    if (findings.empty()) return {};
    return fail_with_id(ErrorKind::invalid, "module-unknown", "{}", fmt::join(findings, "\n"));
}

/// Of `candidates`, those that need any of `modules`.
Names dependents(const ModuleTable& table, const Names& modules, const Names& candidates) {
    Names found;
    for (const std::string& candidate : candidates) {
        const bool needs = std::ranges::any_of(modules, [&](const std::string& module) {
            return table.depends_on(candidate, module);
        });
        if (needs) found.push_back(candidate);
    }
    return found;
}

Names always_running(const ModuleTable& table) {
    Names names;
    for (const Module& module : table.modules()) {
        if (module.always) names.push_back(module.name);
    }
    return names;
}

/// Errors: module-always-runs, when one of `names`, or what needs one, may not stop.
Result<void> check_may_stop(
    const ModuleTable& table, const Names& names, std::string_view be_stopped
) {
    const Names always = always_running(table);
    Names findings;
    for (const std::string& name : names) {
        const Names dependent = dependents(table, {name}, always);
        if (contains(always, name)) {
            findings.push_back(fmt::format("\"{}\" always runs: it cannot {}", name, be_stopped));
        } else if (!dependent.empty()) {
            findings.push_back(fmt::format(
                "\"{}\" is needed by {}, which always runs: it cannot {}",
                name,
                fmt::join(dependent, ", "),
                be_stopped
            ));
        }
    }
    if (findings.empty()) return {};
    return fail_with_id(ErrorKind::conflict, "module-always-runs", "{}", fmt::join(findings, "\n"));
}

/// Errors: module-needed.
Result<void> check_not_needed(const Names& stopping, const Names& needed_by) {
    if (needed_by.empty()) return {};
    return fail_with_id(
        ErrorKind::conflict,
        "module-needed",
        "{} needed by {}: stop them first, or all together with cascade",
        stopping.size() == 1 ? fmt::format("\"{}\" is", stopping.front()) : "these are",
        fmt::join(needed_by, ", ")
    );
}

/// In the order in which they stop, or start, for names in any order.
Plan steps(const ModuleTable& table, Step::Action action, const Names& names) {
    Plan plan;
    for (const Module& module : table.modules()) {
        if (module.factory && contains(names, module.name)) plan.push_back({action, module.name});
    }
    if (action == Step::Action::stop) std::ranges::reverse(plan);
    return plan;
}

Plan then(Plan first, const Plan& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

}  // namespace

Result<PlannedChange> plan_change(
    const ModuleTable& table, const Situation& now, const Change& change
) {
    using enum Step::Action;
    MIMIR_TRY(check_names(table, change.modules));
    const Names named = expand(table, change.modules);
    const Names wanted_too = minus(named, always_running(table));

    switch (change.kind) {
        case Change::Kind::start:
            return PlannedChange{
                plus(now.wanted, wanted_too),
                steps(table, start, minus(table.needed(named), now.running))
            };
        case Change::Kind::stop: {
            MIMIR_TRY(check_may_stop(table, named, "be stopped"));
            Names wanted = minus(now.wanted, named);
            const Names left_without = dependents(table, named, wanted);
            if (!change.cascade) MIMIR_TRY(check_not_needed(named, left_without));
            wanted = minus(wanted, left_without);
            return PlannedChange{
                wanted, steps(table, stop, minus(now.running, table.needed(wanted)))
            };
        }
        case Change::Kind::restart: {
            MIMIR_TRY(check_may_stop(table, named, "be restarted"));
            const Names affected = plus(named, dependents(table, named, now.running));
            const Names stopping = minus(now.running, minus(now.running, affected));
            const Names starting = plus(stopping, minus(table.needed(named), now.running));
            return PlannedChange{
                plus(now.wanted, minus(named, now.running)),
                then(steps(table, stop, stopping), steps(table, start, starting))
            };
        }
        case Change::Kind::set_target: {
            const Names needed = table.needed(named);
            return PlannedChange{
                wanted_too,
                then(
                    steps(table, start, minus(needed, now.running)),
                    steps(table, stop, minus(now.running, needed))
                )
            };
        }
    }
    return fail(ErrorKind::internal, "unknown kind of change");
}

}  // namespace mimir::modules
