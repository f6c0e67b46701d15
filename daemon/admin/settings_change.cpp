#include "admin/settings_change.hpp"

#include <algorithm>

#include "config/declarer.hpp"

namespace mimir::admin {

SettingsChange::SettingsChange(
    const std::vector<api::ConfigDifference>& differences, const modules::Manager& manager
) {
    for (const api::ConfigDifference& difference : differences) {
        if (difference.module == config::kProcess) {
            keys_of_process_.push_back(difference.key);
            continue;
        }
        keys_.push_back(difference.key);
        const bool runs = !difference.module.empty() &&
                          manager.state(difference.module) == modules::State::running;
        const bool is_new = std::ranges::find(modules_, difference.module) == modules_.end();
        if (runs && is_new) modules_.push_back(difference.module);
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
