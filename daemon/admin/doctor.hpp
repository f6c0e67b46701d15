#pragma once

#include <vector>

#include "admin/control.hpp"
#include "api/types.hpp"

namespace mimir::admin {

/// Looks at what usually goes wrong on a host.
/// Threads: any; reads from disk.
std::vector<api::DoctorCheck> run_checks(const Control& control);

}  // namespace mimir::admin
