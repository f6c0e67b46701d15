#pragma once

#include "app/settings.hpp"
#include "modules/module_table.hpp"

namespace mimir::app {

struct Wiring;

/// The one table of modules. Their services are built from `wiring`, which outlives the table; null when only names
/// and graph are asked for, as by -modules.
modules::ModuleTable module_table(const Settings& settings, Wiring* wiring);

/// Routes that answer 503 with the module's name while it does not run.
void reserve_routes(Wiring& wiring);

}  // namespace mimir::app
