#pragma once

#include <string_view>

namespace mimir::promql {

/// Error id (kind invalid) for what parses but can't be evaluated; the message names the feature
/// and nothing else: "not built: info()". The conformance run lists failures by it.
inline constexpr std::string_view kNotBuilt = "promql-not-built";

}  // namespace mimir::promql
