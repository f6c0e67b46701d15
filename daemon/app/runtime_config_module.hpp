#pragma once

#include <memory>

#include "modules/service.hpp"

namespace mimir::app {

struct Wiring;

/// Reads the files of runtime_config.file and gives their overrides to the limits; without files it gives none.
/// Errors: those of a file; the limits stay as they are.
Result<void> load_overrides(Wiring& wiring);

/// The module `runtime-config`: loads the overrides when it starts and again each period. A file that is wrong at the
/// start fails the start; later the last good state stays.
std::unique_ptr<modules::Service> create_runtime_config_service(Wiring& wiring);

}  // namespace mimir::app
