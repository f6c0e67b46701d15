#pragma once

#include <string_view>
#include <vector>

#include "app/wiring.hpp"

namespace mimir::app {

/// The instances of a module, as its ring shows them now; none while this process does not read that ring.
std::vector<gateway::Upstream> discover(Wiring& wiring, std::string_view module);

}  // namespace mimir::app
