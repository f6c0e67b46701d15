#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>

#include "base/types.hpp"

namespace mimir::tsdb::detail {

/// Which times are being read, so that truncation waits for them.
/// Threads: any.
class Readers {
  public:
    /// While it lives, what is at or after min_time() stays.
    class Pin {
      public:
        Pin(Readers& readers, TimestampMs wanted) : readers_(readers) {
            std::lock_guard lock(readers_.mutex_);
            at_ = readers_.pinned_.insert(std::max(wanted, readers_.dropped_before_));
        }
        ~Pin() {
            std::lock_guard lock(readers_.mutex_);
            readers_.pinned_.erase(at_);
            readers_.changed_.notify_all();
        }
        Pin(const Pin&) = delete;
        Pin& operator=(const Pin&) = delete;
        [[nodiscard]] TimestampMs min_time() const { return *at_; }

      private:
        Readers& readers_;
        std::multiset<TimestampMs>::iterator at_;
    };

    /// From now on pins begin at `time`. Waits for those that begin before it; false when they last too long.
    bool wait_before_drop(TimestampMs time, std::chrono::milliseconds wait_max) {
        std::unique_lock lock(mutex_);
        dropped_before_ = std::max(dropped_before_, time);
        return changed_.wait_for(lock, wait_max, [&] {
            return pinned_.empty() || *pinned_.begin() >= time;
        });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::multiset<TimestampMs> pinned_;
    TimestampMs dropped_before_ = TimestampMs::min();
};

}  // namespace mimir::tsdb::detail
