#pragma once

// What the process says of itself over HTTP, as text; api_module serves it.

#include <string>
#include <vector>

#include "base/types.hpp"
#include "modules/manager.hpp"

namespace mimir::app {

/// GET /services, for people.
std::string services_page(const std::vector<modules::ModuleStatus>& modules, TimestampMs now);
/// GET /services with Accept: application/json: {"now": ..., "services": [{"name", "status", ...}]}, by name.
std::string services_json(const std::vector<modules::ModuleStatus>& modules, TimestampMs now);

/// GET /api/v1/status/buildinfo, in Prometheus' envelope.
std::string buildinfo_json();

}  // namespace mimir::app
