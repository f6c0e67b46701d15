#include "ctl/build_info.hpp"

namespace mimir::ctl {

const std::string_view kVersion = MIMIR_VERSION;
const std::string_view kRevision = MIMIR_REVISION;

}  // namespace mimir::ctl
