#pragma once

#include <span>
#include <string>

#include "ctl/command.hpp"

namespace mimir::ctl {

/// Takes the arguments behind the program's name apart. Global options may stand before and behind the command.
/// The invocation's command is null when none is named. `--help` needs nothing else to be right.
/// Errors: usage, naming the nearest right thing.
Outcome<Invocation> parse_command_line(std::span<const std::string> arguments);

}  // namespace mimir::ctl
