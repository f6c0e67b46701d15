#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace mimir::encoding {

/// Snappy block format (not framed), into `out`, whose capacity is reused.
void snappy_compress(std::string_view data, std::string& out);
/// Errors: corrupt; limit when the block says that it holds more than bytes_limit.
Result<void> snappy_decompress(std::string_view block, std::size_t bytes_limit, std::string& out);

/// Errors: corrupt; limit, as above.
Result<void> zstd_decompress(std::string_view frame, std::size_t bytes_limit, std::string& out);

}  // namespace mimir::encoding
