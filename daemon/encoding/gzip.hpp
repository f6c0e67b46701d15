#pragma once

#include <string>
#include <string_view>

namespace mimir::encoding {

/// A gzip member of the data, at zlib's fastest level: for what is sent once.
std::string gzip_compress(std::string_view data);

}  // namespace mimir::encoding
