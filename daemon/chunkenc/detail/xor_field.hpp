#pragma once

// A float coded as the bits by which it differs from the one before.

#include <algorithm>
#include <bit>
#include <cstdint>

namespace mimir::chunkenc::detail {

/// Where the differing bits lay when that was last said: many differences fit the same window.
struct XorWindow {
    static constexpr std::uint8_t kNone = 0xFF;  // more than any difference has: none fits

    std::uint8_t leading = kNone;
    std::uint8_t trailing = 0;

    [[nodiscard]] unsigned width() const { return 64u - leading - trailing; }
};

/// A prefix of at most 13 bits, then a field of at most 64; none when the value is the same.
struct XorCode {
    std::uint64_t prefix = 0;
    unsigned prefix_count = 1;
    std::uint64_t field = 0;
    unsigned field_count = 0;
};

inline XorCode xor_code(std::uint64_t difference, XorWindow& window) {
    constexpr unsigned kLeadingMax = 31;  // as much as its field of 5 bits can say
    if (difference == 0) return {};
    const auto leading = std::min<unsigned>(std::countl_zero(difference), kLeadingMax);
    const auto trailing = static_cast<unsigned>(std::countr_zero(difference));
    XorCode code;
    if (leading >= window.leading && trailing >= window.trailing) {
        code.prefix = 0b10;
        code.prefix_count = 2;
    } else {
        window = {static_cast<std::uint8_t>(leading), static_cast<std::uint8_t>(trailing)};
        code.prefix = 0b11 << 11 | leading << 6 | ((64 - leading - trailing) & 63);
        code.prefix_count = 13;
    }
    code.field = difference >> window.trailing;
    code.field_count = window.width();
    return code;
}

/// Takes the window from the top of a word that begins with its prefix, 11; false when it is wider
/// than a float.
inline bool read_window(std::uint64_t word, XorWindow& window) {
    const auto leading = static_cast<unsigned>(word >> 57 & 31);
    const auto width = static_cast<unsigned>(((word >> 51) - 1) & 63) + 1;  // 64 is written as 0
    if (leading + width > 64) return false;
    window.leading = static_cast<std::uint8_t>(leading);
    window.trailing = static_cast<std::uint8_t>(64 - leading - width);
    return true;
}

}  // namespace mimir::chunkenc::detail
