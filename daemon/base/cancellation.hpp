#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

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
        token.flag_ = std::make_shared<Flag>();
        token.deadline_ = deadline;
        return token;
    }

    /// A token of its own that is canceled with this one too: for a part of the work that may be given up alone.
    [[nodiscard]] CancellationToken child() const {
        CancellationToken token = *this;
        token.flag_ = std::make_shared<Flag>(flag_);
        return token;
    }

    /// The same token with this deadline, unless its own is earlier.
    [[nodiscard]] CancellationToken with_deadline(TimePoint deadline) const {
        CancellationToken token = *this;
        token.deadline_ = deadline_ ? std::min(*deadline_, deadline) : deadline;
        return token;
    }

    /// Whether cancel() has an effect: not for a default-constructed one.
    [[nodiscard]] bool cancelable() const { return flag_ != nullptr; }
    /// Asks the work to stop. Takes effect at its next check().
    void cancel() {
        if (flag_) flag_->canceled.store(true, std::memory_order_relaxed);
    }
    [[nodiscard]] bool canceled() const {
        for (const Flag* flag = flag_.get(); flag != nullptr; flag = flag->parent.get()) {
            if (flag->canceled.load(std::memory_order_relaxed)) return true;
        }
        return false;
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
    struct Flag {
        explicit Flag(std::shared_ptr<const Flag> p = nullptr) : parent(std::move(p)) {}
        std::atomic<bool> canceled = false;
        const std::shared_ptr<const Flag> parent;
    };

    std::shared_ptr<Flag> flag_;
    std::optional<TimePoint> deadline_;
};

}  // namespace mimir
