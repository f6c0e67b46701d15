#include "modules/module_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/assert.hpp"
#include "base/nearest.hpp"

namespace mimir::modules {
namespace {

constexpr std::string_view kAll = "all";

/// Dependencies before dependents, and what always runs as early as it can be; else as listed.
std::vector<Module> in_start_order(std::vector<Module> modules) {
    std::vector<Module> ordered;
    std::set<std::string, std::less<>> placed;
    const auto is_ready = [&](const Module& module) {
        return !placed.contains(module.name) &&
               std::ranges::all_of(module.dependencies, [&](const std::string& name) {
                   return placed.contains(name);
               });
    };
    while (ordered.size() < modules.size()) {
        auto next = std::ranges::find_if(modules, [&](const Module& module) {
            return module.always && is_ready(module);
        });
        if (next == modules.end()) next = std::ranges::find_if(modules, is_ready);
        MIMIR_ASSERT(
            next != modules.end(), "module names are unique, dependencies exist and have no cycle"
        );
        placed.insert(next->name);
        ordered.push_back(*next);
    }
    return ordered;
}

}  // namespace

bool contains(const Names& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

Names parse_names(std::string_view list) {
    constexpr std::string_view kBlanks = " \t";
    Names names;
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(','), list.size());
        std::string_view name = list.substr(0, end);
        name.remove_prefix(std::min(name.find_first_not_of(kBlanks), name.size()));
        name = name.substr(0, name.find_last_not_of(kBlanks) + 1);
        if (!name.empty() && !contains(names, name)) names.emplace_back(name);
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return names;
}

ModuleTable::ModuleTable(std::vector<Module> modules) {
    Module all{.name = std::string(kAll), .targetable = true};
    for (const Module& module : modules) {
        if (module.in_all) all.dependencies.push_back(module.name);
    }
    modules.push_back(std::move(all));
    modules_ = in_start_order(std::move(modules));
}

const Module* ModuleTable::find(std::string_view name) const {
    const auto at = std::ranges::find(modules_, name, &Module::name);
    return at == modules_.end() ? nullptr : &*at;
}

Names ModuleTable::with_dependencies(const Names& names) const {
    // From the dependents down: what is needed is known before its row is reached.
    Names needed = names;
    for (auto module = modules_.rbegin(); module != modules_.rend(); ++module) {
        if (!contains(needed, module->name)) continue;
        needed.insert(needed.end(), module->dependencies.begin(), module->dependencies.end());
    }
    Names ordered;
    for (const Module& module : modules_) {
        if (contains(needed, module.name)) ordered.push_back(module.name);
    }
    return ordered;
}

Names ModuleTable::needed(const Names& wanted) const {
    Names names = wanted;
    for (const Module& module : modules_) {
        if (module.always) names.push_back(module.name);
    }
    return with_dependencies(names);
}

bool ModuleTable::depends_on(std::string_view name, std::string_view dependency) const {
    return name != dependency && contains(with_dependencies({std::string(name)}), dependency);
}

std::vector<std::string_view> ModuleTable::targets() const {
    std::vector<std::string_view> names;
    for (const Module& module : modules_) {
        if (module.targetable) names.push_back(module.name);
    }
    std::ranges::sort(names);
    return names;
}

Result<void> ModuleTable::check_targets(const Names& targets) const {
    if (targets.empty()) {
        return fail(ErrorKind::invalid, "no target is named");
    }
    std::string findings;
    for (const std::string& target : targets) {
        const Module* module = find(target);
        if (module != nullptr && module->targetable) continue;
        if (!findings.empty()) findings += '\n';
        findings +=
            module != nullptr
                ? fmt::format("\"{}\" is an internal module, which cannot be a target", target)
                : fmt::format(
                      "there is no target \"{}\"{}", target, did_you_mean(target, this->targets())
                  );
    }
    if (findings.empty()) return {};
    return fail(ErrorKind::invalid, "{}", findings);
}

std::string ModuleTable::describe_targets() const {
    const Names all = with_dependencies({std::string(kAll)});
    std::string out;
    for (const std::string_view target : targets()) {
        const bool starred = target != kAll && contains(all, target);
        out += fmt::format("{}{}\n", target, starred ? " *" : "");
    }
    return out + "\nModules marked with * are included in target All.\n";
}

}  // namespace mimir::modules
