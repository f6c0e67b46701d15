#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>

namespace mimir::distributor {

/// A bucket of tokens that refills at a rate up to a burst. Rate and burst are given with each request, so that a
/// changed limit holds at once.
/// Threads: any.
class RateLimiter {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;

    struct Limit {
        double per_second;
        double burst;
    };

    /// Takes `count` tokens, all or none; returns whether they were there. More than the burst never are.
    bool take(double count, Limit limit, TimePoint now) {
        const std::lock_guard lock(mutex_);
        if (!started_) {
            tokens_ = limit.burst;
            started_ = true;
        } else if (now > last_) {
            tokens_ += std::chrono::duration<double>(now - last_).count() * limit.per_second;
        }
        last_ = std::max(last_, now);
        tokens_ = std::min(tokens_, limit.burst);
        if (tokens_ < count) return false;
        tokens_ -= count;
        return true;
    }

  private:
    std::mutex mutex_;
    bool started_ = false;
    double tokens_ = 0;
    TimePoint last_;
};

}  // namespace mimir::distributor
