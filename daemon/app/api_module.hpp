#pragma once

#include <memory>

#include "modules/service.hpp"

namespace mimir::app {

struct Wiring;

/// The module `api`: what every process answers, whatever its target.
std::unique_ptr<modules::Service> create_api_service(Wiring& wiring);

}  // namespace mimir::app
