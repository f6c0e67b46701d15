#pragma once

#include <span>
#include <string_view>

namespace mimir::app {

/// The life of the process: arguments (without the program's name), settings, modules, signals, drain. Returns the
/// exit status: 0 for a clean end; 1 when the configuration is wrong or a module failed; 2 for wrong usage.
int run(std::span<const std::string_view> arguments);

}  // namespace mimir::app
