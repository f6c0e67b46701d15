#include "admin/settings_change.hpp"

#include <algorithm>

#include "config/declarer.hpp"

namespace mimir::admin {
namespace {

/// Whether a module in that state has read its settings, or failed with them: other ones may help it.
bool has_settings(modules::State state) {
    using enum modules::State;
    return state == starting || state == running || state == failed;
}

}  // namespace

SettingsChange::SettingsChange(
    const std::vector<api::ConfigDifference>& differences, const modules::Manager& manager
) {
    for (const api::ConfigDifference& difference : differences) {
        if (difference.module == config::kProcess) {
            keys_of_process_.push_back(difference.key);
            continue;
        }
        keys_.push_back(difference.key);
        const bool is_new = std::ranges::find(modules_, difference.module) == modules_.end();
        const bool uses_it =
            !difference.module.empty() && has_settings(manager.state(difference.module));
        if (uses_it && is_new) modules_.push_back(difference.module);
    }
}

std::optional<modules::Change> SettingsChange::restart() const {
    if (modules_.empty()) return std::nullopt;
    return modules::Change{.kind = modules::Change::Kind::restart, .modules = modules_};
}

std::string SettingsChange::summary() const {
    constexpr std::size_t kNamed = 3;
    const auto end = keys_.begin() + static_cast<std::ptrdiff_t>(std::min(kNamed, keys_.size()));
    std::string text = fmt::format("{}", fmt::join(keys_.begin(), end, ", "));
    if (keys_.size() > kNamed) text += fmt::format(" and {} more", keys_.size() - kNamed);
    return text;
}

std::vector<std::string> SettingsChange::warnings() const {
    if (keys_of_process_.empty()) return {};
    return {fmt::format(
        "only a restart of mimird brings into force: {}", fmt::join(keys_of_process_, ", ")
    )};
}

}  // namespace mimir::admin
