#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

#include "ctl/outcome.hpp"

namespace mimir::ctl {

/// Everything, up to 64 MiB. Errors: usage.
Outcome<std::string> read_all(std::istream& in, std::string_view name);
/// Errors: not found; usage when it cannot be read.
Outcome<std::string> read_file(const std::string& path);

}  // namespace mimir::ctl
