#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <mutex>

namespace mimir {

/// How many of something a second, averaged so that what is a tick older weighs (1 - kNewest) times
/// as much. Nothing ticks in the background: who looks makes up for the ticks that passed.
/// Threads: any.
class MovingRate {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;

    void add(std::uint64_t count, TimePoint now) {
        const std::lock_guard lock(mutex_);
        fold(now);
        pending_ += count;
    }
    [[nodiscard]] double per_second(TimePoint now) {
        const std::lock_guard lock(mutex_);
        fold(now);
        return rate_;
    }

  private:
    static constexpr std::chrono::seconds kTick{1};
    static constexpr double kNewest = 0.2;

    void fold(TimePoint now) {
        if (!started_) {
            started_ = true;
            tick_ = now;
        }
        const auto ticks = (now - tick_) / kTick;
        if (ticks <= 0) return;
        const auto seen = static_cast<double>(pending_);
        rate_ = first_ ? seen : rate_ + kNewest * (seen - rate_);
        rate_ *= std::pow(1 - kNewest, static_cast<double>(ticks - 1));
        first_ = false;
        pending_ = 0;
        tick_ += ticks * kTick;
    }

    std::mutex mutex_;
    bool started_ = false;
    bool first_ = true;
    std::uint64_t pending_ = 0;
    double rate_ = 0;
    TimePoint tick_;
};

}  // namespace mimir
