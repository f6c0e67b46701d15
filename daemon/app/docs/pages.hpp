#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mimir::app {

/// mimird(8)
std::string daemon_man_page();
/// mimird.yaml(5)
std::string settings_man_page();

/// mimird's flags and targets for "bash", "zsh" or "fish"; nothing for another shell.
std::optional<std::string> daemon_completion(std::string_view shell);

}  // namespace mimir::app
