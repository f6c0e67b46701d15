#pragma once

// What a command is: one row of the table in command_table.cpp. Parsing, help, completion, man pages and
// docs/mimirctl.md come from it.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/outcome.hpp"

namespace mimir::ctl {

class Context;

/// What completes a value.
enum class Values : std::uint8_t {
    none,
    modules,
    targets,
    operations,
    codes,
    codes_and_modules,
    formats,
    log_levels,
    shells,
    config_modes,
    forms,
    files
};

struct Option {
    /// With its dashes: "--timeout".
    std::string_view name;
    /// "-o", or empty.
    std::string_view short_name = {};
    /// What the value is called in help; empty for a flag.
    std::string_view value = {};
    std::string_view help;
    Values values = Values::none;
};

struct Argument {
    std::string_view name;
    std::string_view help;
    std::uint32_t count_min = 1;
    /// 0: any number.
    std::uint32_t count_max = 1;
    Values values = Values::none;
};

struct Example {
    std::string_view command;
    std::string_view meaning;
};

struct Invocation;
using Handler = Outcome<ExitCode> (*)(Context&);

/// All text is static.
struct Command {
    /// "start", or "config check": a verb of a group.
    std::string_view name;
    std::string_view summary;
    /// Paragraphs; may be empty.
    std::string_view description = {};
    std::span<const Argument> arguments = {};
    std::span<const Option> options = {};
    std::span<const Example> examples = {};
    /// Besides 0 and 2, which any command can have, and 4 and 7 of those that need a daemon.
    std::span<const ExitCode> exit_codes = {};
    /// Null for a group that does nothing without a verb.
    Handler run = nullptr;
    bool is_hidden = false;
    bool needs_daemon = true;

    /// "config"
    [[nodiscard]] std::string_view group() const { return name.substr(0, name.find(' ')); }
};

/// A command line, taken apart.
struct Invocation {
    const Command* command = nullptr;
    std::vector<std::string> arguments;
    /// By name, with dashes; a flag's value is "true".
    std::map<std::string, std::string, std::less<>> options;

    [[nodiscard]] bool has(std::string_view name) const { return options.contains(name); }
    [[nodiscard]] std::optional<std::string_view> value(std::string_view name) const {
        const auto at = options.find(name);
        return at == options.end() ? std::nullopt : std::optional<std::string_view>(at->second);
    }
};

}  // namespace mimir::ctl
