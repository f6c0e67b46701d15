#pragma once

#include <memory>

#include "modules/service.hpp"

namespace mimir::app {

struct Wiring;

/// The module `server`: the listening sockets. Starts first and stops last, so that /ready and /metrics answer while
/// the others come and go.
std::unique_ptr<modules::Service> create_server_service(Wiring& wiring);

}  // namespace mimir::app
