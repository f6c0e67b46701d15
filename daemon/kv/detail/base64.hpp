#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace mimir::kv::detail {

/// RFC 4648 with padding, as JSON has bytes of protobuf.
std::string base64_encode(std::string_view bytes);
/// Also without padding. Errors: corrupt.
Result<std::string> base64_decode(std::string_view text);

}  // namespace mimir::kv::detail
