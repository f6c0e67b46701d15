#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <limits>

namespace mimir {

/// An instant: milliseconds since 1970, as in every format of Prometheus. Differences are std::chrono::milliseconds.
/// Laid out as its int64_t, so arrays of it are arrays of numbers.
struct TimestampMs {
    std::int64_t ms = 0;

    constexpr auto operator<=>(const TimestampMs&) const = default;

    static constexpr TimestampMs min() { return {std::numeric_limits<std::int64_t>::min()}; }
    static constexpr TimestampMs max() { return {std::numeric_limits<std::int64_t>::max()}; }
};

constexpr TimestampMs operator+(TimestampMs t, std::chrono::milliseconds d) {
    return {t.ms + d.count()};
}
constexpr TimestampMs operator-(TimestampMs t, std::chrono::milliseconds d) {
    return {t.ms - d.count()};
}
constexpr std::chrono::milliseconds operator-(TimestampMs a, TimestampMs b) {
    return std::chrono::milliseconds(a.ms - b.ms);
}

/// A closed range of time, both ends included, as queries and chunks have it.
struct TimeRange {
    TimestampMs min;
    TimestampMs max;

    bool operator==(const TimeRange&) const = default;
    [[nodiscard]] constexpr bool contains(TimestampMs t) const { return min <= t && t <= max; }
    /// From end to end; the longest duration there is when it would be longer.
    [[nodiscard]] constexpr std::chrono::milliseconds length() const {
        const auto ms = static_cast<std::uint64_t>(max.ms) - static_cast<std::uint64_t>(min.ms);
        constexpr auto kLongest = std::chrono::milliseconds::max();
        const bool fits = ms <= static_cast<std::uint64_t>(kLongest.count());
        return fits ? std::chrono::milliseconds(static_cast<std::int64_t>(ms)) : kLongest;
    }
    [[nodiscard]] constexpr bool overlaps(const TimeRange& other) const {
        return min <= other.max && other.min <= max;
    }
};

/// Identifies a series within one tenant's head; 0 means none. 32 bits: a tenant's head holds under 4 billion series.
enum class SeriesRef : std::uint32_t { none = 0 };

/// Position on a hash ring.
enum class Token : std::uint32_t {};

}  // namespace mimir
