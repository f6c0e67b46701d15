#pragma once

#include <span>
#include <string>

#include "config/limits.hpp"

namespace mimir::config {

struct NamedText {
    std::string name;  ///< the file's
    std::string text;
};

/// Reads the runtime configuration: `overrides: {<tenant>: {<limit>: <value>}}`. A tenant starts from the given
/// defaults; of several files the later wins.
/// Errors: invalid, every finding a line "<file>:<line>: ...".
Result<LimitsOverrides> parse_overrides(std::span<const NamedText> files, const Limits& defaults);

/// The YAML of GET /runtime_config: every tenant with its limits, or only those that differ from the defaults.
std::string print_overrides(
    const LimitsOverrides& overrides, const Limits& defaults, bool only_different
);

}  // namespace mimir::config
