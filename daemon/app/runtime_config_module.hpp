#pragma once

#include <memory>

#include "modules/service.hpp"

namespace mimir::app {

struct Wiring;

/// The module `runtime-config`: reads the files of runtime_config.file when it starts and again each period, and gives
/// their overrides to the limits; without files it gives none. A file that is wrong at the start fails the start; later
/// the last good state stays.
std::unique_ptr<modules::Service> create_runtime_config_service(Wiring& wiring);

}  // namespace mimir::app
