#pragma once

#include <span>
#include <string>

#include "ctl/environment.hpp"

namespace mimir::ctl {

/// mimirctl but for the process around it: the arguments behind the program's name in, an exit code (api::ExitCode) out.
int run(std::span<const std::string> arguments, Streams streams, const Environment& environment);

}  // namespace mimir::ctl
