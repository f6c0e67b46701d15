#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

#include "base/result.hpp"

namespace mimir {

/// Why work should stop: its deadline passed, or someone asked. Copies share one state; a default-constructed token
/// never stops anything.
/// Threads: any.
class CancellationToken {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;

    CancellationToken() = default;
    static CancellationToken create(std::optional<TimePoint> deadline = std::nullopt) {
        CancellationToken token;
        token.state_ = std::make_shared<State>();
        token.state_->deadline = deadline;
        return token;
    }

    /// Asks the work to stop. Takes effect at its next check().
    void cancel() {
        if (state_) state_->canceled.store(true, std::memory_order_relaxed);
    }
    [[nodiscard]] bool canceled() const {
        return state_ && state_->canceled.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::optional<TimePoint> deadline() const {
        return state_ ? state_->deadline : std::nullopt;
    }

    /// For long loops to call every some hundred microseconds of work.
    /// Errors: canceled, timeout.
    [[nodiscard]] Result<void> check() const {
        if (!state_) return {};
        if (canceled()) return fail(ErrorKind::canceled, "the request was canceled");
        if (state_->deadline && std::chrono::steady_clock::now() >= *state_->deadline) {
            return fail(ErrorKind::timeout, "the request's deadline passed");
        }
        return {};
    }

  private:
    struct State {
        std::atomic<bool> canceled = false;
        std::optional<TimePoint> deadline;
    };
    std::shared_ptr<State> state_;
};

}  // namespace mimir
