#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "base/types.hpp"

namespace mimir::model {

struct Sample {
    TimestampMs time;
    double value = 0;

    bool operator==(const Sample&) const = default;
};

/// The NaN with these bits says that a series ended; every other NaN is a value.
/// Source: Prometheus model/value.
inline constexpr std::uint64_t kStaleNanBits = 0x7FF0000000000002;
inline constexpr double kStaleNan = std::bit_cast<double>(kStaleNanBits);
/// The NaN that arithmetic yields and queries return.
inline constexpr double kNormalNan = std::bit_cast<double>(std::uint64_t{0x7FF8000000000001});

inline bool is_stale(double value) { return std::bit_cast<std::uint64_t>(value) == kStaleNanBits; }

}  // namespace mimir::model
