#pragma once

#include <span>

#include "ctl/command.hpp"

namespace mimir::ctl {

/// In the order in which help shows them.
std::span<const Command> commands();
/// What every command takes.
std::span<const Option> global_options();
/// Null when there is none.
const Command* find_command(std::string_view name);
/// Whether commands "name ..." exist.
bool is_group(std::string_view name);
/// The commands "name ...", in the table's order.
std::vector<const Command*> verbs_of(std::string_view group);
/// Names of top-level commands, in the table's order; no hidden ones.
std::vector<std::string_view> top_level_names();

struct ExitCodeText {
    ExitCode code;
    std::string_view meaning;
};
std::span<const ExitCodeText> exit_code_texts();

struct VariableText {
    std::string_view name;
    std::string_view meaning;
};
std::span<const VariableText> variable_texts();

}  // namespace mimir::ctl
