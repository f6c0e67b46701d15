#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/types.hpp"
#include "modules/manager.hpp"

namespace mimir::admin {

/// What a reload of changed settings means for the modules.
class SettingsChange {
  public:
    SettingsChange(
        const std::vector<api::ConfigDifference>& differences, const modules::Manager& manager
    );

    /// Whether a reload brings anything into force.
    [[nodiscard]] bool is_nothing() const { return keys_.empty(); }
    /// The restart of those modules whose settings changed and that run, start or have failed; nothing when there are none.
    [[nodiscard]] std::optional<modules::Change> restart() const;
    /// The keys that a reload brings into force: "server.log_level, querier.timeout and 3 more".
    [[nodiscard]] std::string summary() const;
    /// What only a restart of mimird brings into force.
    [[nodiscard]] std::vector<std::string> warnings() const;

  private:
    std::vector<std::string> keys_;
    std::vector<std::string> keys_of_process_;
    modules::Names modules_;
};

}  // namespace mimir::admin
