#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

#include "base/result.hpp"

namespace mimir {

/// Why work should stop: its deadline passed, or someone asked. Copies share the asking; each has its own deadline. A
/// default-constructed token never stops anything.
/// Threads: any.
class CancellationToken {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;

    CancellationToken() = default;
    static CancellationToken create(std::optional<TimePoint> deadline = std::nullopt) {
        CancellationToken token;
        token.canceled_ = std::make_shared<std::atomic<bool>>(false);
        token.deadline_ = deadline;
        return token;
    }

    /// The same token with this deadline, unless its own is earlier.
    [[nodiscard]] CancellationToken with_deadline(TimePoint deadline) const {
        CancellationToken token = *this;
        token.deadline_ = deadline_ ? std::min(*deadline_, deadline) : deadline;
        return token;
    }

    /// Whether cancel() has an effect: not for a default-constructed one.
    [[nodiscard]] bool cancelable() const { return canceled_ != nullptr; }
    /// Asks the work to stop. Takes effect at its next check().
    void cancel() {
        if (canceled_) canceled_->store(true, std::memory_order_relaxed);
    }
    [[nodiscard]] bool canceled() const {
        return canceled_ && canceled_->load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::optional<TimePoint> deadline() const { return deadline_; }

    /// For long loops to call every some hundred microseconds of work.
    /// Errors: canceled, timeout.
    [[nodiscard]] Result<void> check() const {
        if (canceled()) return fail(ErrorKind::canceled, "the request was canceled");
        if (deadline_ && std::chrono::steady_clock::now() >= *deadline_) {
            return fail(ErrorKind::timeout, "the request's deadline passed");
        }
        return {};
    }

  private:
    std::shared_ptr<std::atomic<bool>> canceled_;
    std::optional<TimePoint> deadline_;
};

}  // namespace mimir
