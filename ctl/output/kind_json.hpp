#pragma once

#include <span>
#include <string>

#include "api/problems.hpp"

namespace mimir::ctl {

/// What `explain` knows of a code, as JSON.
std::string to_json(const api::ProblemKind& kind);
std::string to_json(std::span<const api::ProblemKind> kinds);

}  // namespace mimir::ctl
