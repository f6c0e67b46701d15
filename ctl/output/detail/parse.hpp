#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace mimir::ctl::detail {

/// Members stay in the order in which they came.
using Json = nlohmann::ordered_json;

/// Errors: invalid.
Result<Json> parse(std::string_view text);
/// Bytes that are no UTF-8 become U+FFFD.
std::string dump(const Json& json, int indent = -1);

}  // namespace mimir::ctl::detail
