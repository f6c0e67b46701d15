#pragma once

#include <cstddef>
#include <cstdint>

namespace mimir::promql::engine {

/// Times, offsets and ranges stay within it, so that four of them can be added up. 18 million years.
inline constexpr std::int64_t kTimeReach = std::int64_t{1} << 59;

/// The instants at which an expression is evaluated, evenly spaced. Milliseconds since 1970.
struct Steps {
    std::int64_t start = 0;
    std::int64_t interval = 1;  ///< Over 0, even for a single step.
    std::size_t count = 1;

    [[nodiscard]] std::int64_t at(std::size_t step) const {
        return start + static_cast<std::int64_t>(step) * interval;
    }
    [[nodiscard]] std::int64_t last() const { return at(count - 1); }
    [[nodiscard]] Steps first_only() const { return {start, interval, 1}; }
};

/// What a selector or subquery looks at, for the step at time t: t itself or the time of an @ modifier, less the offset.
struct Reference {
    bool fixed = false;
    std::int64_t time = 0;  ///< if fixed
    std::int64_t offset = 0;

    [[nodiscard]] std::int64_t of(std::int64_t t) const { return (fixed ? time : t) - offset; }
};

}  // namespace mimir::promql::engine
