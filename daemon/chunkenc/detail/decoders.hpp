#pragma once

// The decoder of each encoding: the contract is decode()'s.

#include <string_view>

#include "chunkenc/decode.hpp"

namespace mimir::chunkenc::detail {

Result<void> decode_xor(std::string_view data, TimeRange range, Points& out);
Result<void> decode_histograms(std::string_view data, TimeRange range, Points& out);
Result<void> decode_float_histograms(std::string_view data, TimeRange range, Points& out);

}  // namespace mimir::chunkenc::detail
