#include "support/bytes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <charconv>

namespace mimir::test {

std::string to_hex(std::string_view bytes) {
    std::string hex;
    for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return hex;
}

std::string from_hex(std::string_view hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        unsigned char byte = 0;
        const auto result = std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
        REQUIRE(result.ptr == hex.data() + i + 2);
        bytes.push_back(static_cast<char>(byte));
    }
    return bytes;
}

}  // namespace mimir::test
