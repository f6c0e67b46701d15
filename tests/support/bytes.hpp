#pragma once

#include <string>
#include <string_view>

namespace mimir::test {

/// "00ff" for two bytes.
std::string to_hex(std::string_view bytes);
/// The bytes of hexadecimal text; aborts the test on a mistake.
std::string from_hex(std::string_view hex);

}  // namespace mimir::test
