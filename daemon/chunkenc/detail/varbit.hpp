#pragma once

// Integers of a length that depends on their size: a run of ones says how many bits follow.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "chunkenc/detail/bits.hpp"

namespace mimir::chunkenc::detail {

/// Bits of the field behind a prefix of so many ones. A zero ends the prefix, but not that of eight
/// ones.
inline constexpr std::array<unsigned, 9> kVarbitWidths = {0, 3, 6, 9, 12, 18, 25, 56, 64};

inline void put_varbit_code(BitWriter& to, unsigned ones, std::uint64_t field) {
    const std::uint64_t prefix = ones == 8 ? 0xFF : (std::uint64_t{2} << ones) - 2;
    to.put(prefix, std::min(ones + 1, 8u));
    if (ones > 0) to.put(field, kVarbitWidths[ones]);
}

inline void put_varbit(BitWriter& to, std::int64_t value) {
    unsigned ones = value == 0 ? 0 : 1;
    if (value != 0) {
        while (ones < 8 && !fits_signed(value, kVarbitWidths[ones])) ++ones;
    }
    const unsigned width = std::max(kVarbitWidths[ones], 1u);
    put_varbit_code(to, ones, low_bits(value, width));
}

inline void put_uvarbit(BitWriter& to, std::uint64_t value) {
    const auto width = static_cast<unsigned>(std::bit_width(value));
    const auto* const fitting = std::ranges::lower_bound(kVarbitWidths, width);
    put_varbit_code(to, static_cast<unsigned>(fitting - kVarbitWidths.begin()), value);
}

/// A field and its width.
struct VarbitCode {
    std::uint64_t field = 0;
    unsigned width = 0;
};

inline VarbitCode get_varbit_code(BitReader& from) {
    const auto ones = std::min(static_cast<unsigned>(std::countl_one(from.peek())), 8u);
    from.skip(std::min(ones + 1, 8u));
    const unsigned width = kVarbitWidths[ones];
    return {width == 0 ? 0 : from.get(width), width};
}

inline std::int64_t get_varbit(BitReader& from) {
    const VarbitCode code = get_varbit_code(from);
    return code.width == 0 ? 0 : to_signed(code.field, code.width);
}

inline std::uint64_t get_uvarbit(BitReader& from) { return get_varbit_code(from).field; }

}  // namespace mimir::chunkenc::detail
