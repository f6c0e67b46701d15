#include "ctl/module_words.hpp"

#include <algorithm>

#include "ctl/context.hpp"

namespace mimir::ctl {

using api::ModuleState;

Tone tone_of(ModuleState state) {
    switch (state) {
        case ModuleState::running: return Tone::good;
        case ModuleState::stopped: return Tone::faint;
        case ModuleState::starting:
        case ModuleState::stopping: return Tone::busy;
        case ModuleState::failed: return Tone::bad;
    }
    return Tone::plain;
}

const api::Module* find_module(const std::vector<api::Module>& all, std::string_view name) {
    const auto at = std::ranges::find(all, name, &api::Module::name);
    return at == all.end() ? nullptr : &*at;
}

std::string why(const api::Module& module, const std::vector<api::Module>& all, TimestampMs now) {
    if (!module.error.empty()) {
        if (!module.next_restart) return module.error;
        const auto left = std::max(std::chrono::milliseconds(0), *module.next_restart - now);
        return fmt::format("{}; next try in {}", module.error, seconds(left));
    }
    if (module.state == ModuleState::stopped || module.state == ModuleState::failed) return "";
    if (module.always) return "always runs";
    if (module.wanted) return "asked for";
    std::vector<std::string> users;
    for (const std::string& name : module.needed_by) {
        const api::Module* user = find_module(all, name);
        if (user != nullptr && user->state != ModuleState::stopped) users.push_back(name);
    }
    return users.empty() ? "" : "for " + join(users, ", ");
}

std::string next_step(const api::Module& module) {
    switch (module.state) {
        case ModuleState::stopped: return fmt::format("to run it: mimirctl start {}", module.name);
        case ModuleState::failed:
            return fmt::format(
                "mend what the error says, then: mimirctl start {}{}",
                module.name,
                module.next_restart ? " (it is also tried again by itself)" : ""
            );
        case ModuleState::starting:
        case ModuleState::stopping: return "to see it happen: mimirctl events --follow";
        case ModuleState::running:
            if (!module.error.empty())
                return fmt::format("to start it anew: mimirctl restart {}", module.name);
            return "";
    }
    return "";
}

std::string share_of(const api::RingMember& member) {
    if (member.tokens == 0) return "";
    return fmt::format("{}.{} %", member.ownership_permille / 10, member.ownership_permille % 10);
}

}  // namespace mimir::ctl
