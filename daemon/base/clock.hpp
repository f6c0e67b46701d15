#pragma once

#include <chrono>

#include "base/types.hpp"

namespace mimir {

/// Where time comes from. Passed in, so that tests and simulations set it.
/// Threads: any.
class Clock {
  public:
    virtual ~Clock() = default;

    /// Wall clock, as samples and logs are stamped.
    [[nodiscard]] virtual TimestampMs now() const = 0;
    /// Never goes back; for deadlines and durations.
    [[nodiscard]] virtual std::chrono::steady_clock::time_point steady_now() const = 0;
};

/// The operating system's clock; lives for ever.
Clock& system_clock();

}  // namespace mimir
