#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/error.hpp"

namespace mimir::rpc::detail {

/// Opens when a peer could not be reached several times in a row: calls then fail at once, until one
/// that is let through after a while finds it again. The while is as long as the last try took, so that no more than half
/// of the time is spent trying.
/// Threads: one at a time.
class Breaker {
  public:
    using Clock = std::chrono::steady_clock;
    using TimePoint = Clock::time_point;

    struct Options {
        std::uint32_t failures_max;
        std::chrono::milliseconds open_min;
        std::chrono::milliseconds open_max;
    };
    explicit Breaker(Options options) : options_(options) {}

    enum class Verdict : std::uint8_t { pass, trial, refuse };
    /// `trial`: this one call finds out; one of the three below must be told how it went.
    [[nodiscard]] Verdict admit(TimePoint now) {
        if (!open_until_) return Verdict::pass;
        if (trial_since_ || now < *open_until_) return Verdict::refuse;
        trial_since_ = now;
        return Verdict::trial;
    }
    void reached() {
        failures_ = 0;
        open_until_.reset();
        trial_since_.reset();
    }
    void failed(Error why, TimePoint now) {
        last_ = std::move(why);
        // Calls that were sent before it opened tell how long they worked, not how long it takes to fail.
        const auto took = trial_since_ ? now - *trial_since_ : Clock::duration::zero();
        if (++failures_ >= options_.failures_max) open_for(took, now);
        trial_since_.reset();
    }
    /// The trial ended without telling anything: its caller gave up.
    void undecided() { trial_since_.reset(); }
    /// At once, for what is certain after a try that took so long.
    void open(Error why, TimePoint now, Clock::duration took) {
        last_ = std::move(why);
        failures_ = options_.failures_max;
        open_for(took, now);
        trial_since_.reset();
    }

    [[nodiscard]] bool is_open() const { return open_until_.has_value(); }
    [[nodiscard]] bool is_due(TimePoint now) const {
        return is_open() && !trial_since_ && now >= *open_until_;
    }
    /// Of the last failure.
    [[nodiscard]] const Error& last() const { return last_; }

  private:
    void open_for(Clock::duration time, TimePoint now) {
        open_until_ = now + std::clamp<Clock::duration>(time, options_.open_min, options_.open_max);
    }

    const Options options_;
    std::uint32_t failures_ = 0;
    std::optional<TimePoint> open_until_;
    std::optional<TimePoint> trial_since_;  // while one is under way
    Error last_;
};

}  // namespace mimir::rpc::detail
