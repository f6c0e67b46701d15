#pragma once

#include <string>
#include <string_view>

namespace mimir::app {

/// What was built, fixed when CMake configured the build.
struct BuildInfo {
    std::string_view version;   ///< "0.1.0"
    std::string_view revision;  ///< of git, abbreviated; "unknown" outside of a checkout
    std::string_view branch;
    std::string_view compiler;
};

BuildInfo build_info();

/// The text of -version: "mimird, version 0.1.0 (branch: main, revision: 1a2b3c4)", and the compiler.
std::string version_text();

}  // namespace mimir::app
