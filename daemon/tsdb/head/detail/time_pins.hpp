#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>

#include "base/types.hpp"

namespace mimir::tsdb::detail {

/// Who is at work from which time on, so that the time before can be closed: to those who come later at once, and for
/// good once those who were there are gone.
/// Threads: any.
class TimePins {
  public:
    /// While it lives, what is at or after time() stays open.
    class Pin {
      public:
        Pin(TimePins& pins, TimestampMs wanted) : pins_(pins) {
            std::lock_guard lock(pins_.mutex_);
            at_ = pins_.pinned_.insert(std::max(wanted, pins_.closed_before_));
        }
        ~Pin() {
            std::lock_guard lock(pins_.mutex_);
            pins_.pinned_.erase(at_);
            pins_.changed_.notify_all();
        }
        Pin(const Pin&) = delete;
        Pin& operator=(const Pin&) = delete;
        [[nodiscard]] TimestampMs time() const { return *at_; }

      private:
        TimePins& pins_;
        std::multiset<TimestampMs>::iterator at_;
    };

    /// Closes the time before `time`. Waits for pins from before it.
    void close_before(TimestampMs time) {
        std::unique_lock lock(mutex_);
        closed_before_ = std::max(closed_before_, time);
        changed_.wait(lock, [&] { return is_free_before(time); });
    }
    /// The same, but waits no longer than this; then false, and pins from before are still there.
    bool close_before(TimestampMs time, std::chrono::milliseconds wait_max) {
        std::unique_lock lock(mutex_);
        closed_before_ = std::max(closed_before_, time);
        return changed_.wait_for(lock, wait_max, [&] { return is_free_before(time); });
    }
    [[nodiscard]] TimestampMs closed_before() const {
        std::lock_guard lock(mutex_);
        return closed_before_;
    }

  private:
    [[nodiscard]] bool is_free_before(TimestampMs time) const {
        return pinned_.empty() || *pinned_.begin() >= time;
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::multiset<TimestampMs> pinned_;
    TimestampMs closed_before_ = TimestampMs::min();
};

}  // namespace mimir::tsdb::detail
