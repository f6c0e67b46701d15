#pragma once

#include <string_view>

namespace mimir::ctl {

/// "0.1.0"
extern const std::string_view kVersion;
/// Of the source, as of the last run of CMake.
extern const std::string_view kRevision;

}  // namespace mimir::ctl
