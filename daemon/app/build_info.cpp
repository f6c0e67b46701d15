#include "app/build_info.hpp"

#include <fmt/format.h>

namespace mimir::app {

BuildInfo build_info() {
    return {
        .version = MIMIR_VERSION,
        .revision = MIMIR_REVISION,
        .branch = MIMIR_BRANCH,
        .compiler = __VERSION__,
    };
}

std::string version_text() {
    const BuildInfo info = build_info();
    return fmt::format(
        "mimird, version {} (branch: {}, revision: {})\n  compiler: {}\n",
        info.version,
        info.branch,
        info.revision,
        info.compiler
    );
}

}  // namespace mimir::app
