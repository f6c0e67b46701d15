#pragma once

#include <span>
#include <string_view>

#include "app/settings.hpp"
#include "config/runtime_config.hpp"

namespace mimir::app {

/// The settings and the command line, each bound to its declarations.
struct Loaded {
    Loaded();
    Loaded(const Loaded&) = delete;
    Loaded& operator=(const Loaded&) = delete;

    Settings settings;
    CommandLine command_line;
    /// Which of them names the target.
    enum class TargetFrom : std::uint8_t { command_line, file, built_in };
    TargetFrom target_from = TargetFrom::built_in;
    /// Of both; Settings alone are `declared.options()` with a key.
    config::Declarer declared;
};

/// Why the process cannot go on, and the status it exits with: 2 for the command line, 1 for the configuration.
struct LoadFailure {
    int exit_status;
    std::string text;
};

/// Reads flags and file into `loaded`: defaults, then YAML, then flags. Asks for help, version and the like are left
/// to the caller; with one of the helps the file is not read.
tl::expected<void, LoadFailure> load(std::span<const std::string_view> arguments, Loaded& loaded);

/// The same with a text in place of the file.
tl::expected<void, LoadFailure> load(
    std::span<const std::string_view> arguments, const config::NamedText& file, Loaded& loaded
);

}  // namespace mimir::app
