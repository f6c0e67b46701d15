#pragma once

#include <string>
#include <string_view>

#include "ctl/command.hpp"

namespace mimir::ctl {

/// `mimirctl` alone, and `mimirctl --help`.
std::string program_help();
/// `mimirctl start --help`, `mimirctl config --help`
std::string command_help(const Command& command);

/// "mimirctl start MODULE... [OPTION]..."
std::string synopsis(const Command& command);
/// "-o, --output FORMAT"
std::string spelling(const Option& option);
/// The exit codes that the command can have, in order.
std::vector<ExitCode> exit_codes_of(const Command& command);
/// What the code means; empty when there is no such code.
std::string_view meaning_of(ExitCode code);

}  // namespace mimir::ctl
