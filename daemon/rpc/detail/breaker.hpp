#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/error.hpp"

namespace mimir::rpc::detail {

/// Opens when a peer could not be reached several times in a row: calls then fail at once, until one
/// that is let through after a while finds it again.
/// Threads: one at a time.
class Breaker {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;

    Breaker(std::uint32_t failures_max, std::chrono::milliseconds open_time)
        : failures_max_(failures_max), open_time_(open_time) {}

    enum class Verdict : std::uint8_t { pass, trial, refuse };
    /// `trial`: this one call finds out; one of the three below must be told how it went.
    [[nodiscard]] Verdict admit(TimePoint now) {
        if (!open_until_) return Verdict::pass;
        if (trying_ || now < *open_until_) return Verdict::refuse;
        trying_ = true;
        return Verdict::trial;
    }
    void reached() {
        failures_ = 0;
        open_until_.reset();
        trying_ = false;
    }
    void failed(Error why, TimePoint now) {
        last_ = std::move(why);
        if (++failures_ >= failures_max_) open_until_ = now + open_time_;
        trying_ = false;
    }
    /// The trial ended without telling anything: its caller gave up.
    void undecided() { trying_ = false; }
    /// At once, for what is certain.
    void open(Error why, TimePoint now) {
        failures_ = failures_max_;
        failed(std::move(why), now);
    }

    [[nodiscard]] bool is_open() const { return open_until_.has_value(); }
    [[nodiscard]] bool is_due(TimePoint now) const {
        return is_open() && !trying_ && now >= *open_until_;
    }
    /// Of the last failure.
    [[nodiscard]] const Error& last() const { return last_; }

  private:
    const std::uint32_t failures_max_;
    const std::chrono::milliseconds open_time_;
    std::uint32_t failures_ = 0;
    std::optional<TimePoint> open_until_;
    bool trying_ = false;
    Error last_;
};

}  // namespace mimir::rpc::detail
