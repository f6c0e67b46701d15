#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace mimir {

/// Data and its lock as one object; with() is the only door. Held briefly: never over I/O or co_await.
template <class T>
class Guarded {
  public:
    template <class... Args>
    explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}

    /// Runs f(value) under the lock and returns what it returns.
    template <class F>
    decltype(auto) with(F&& f) {
        std::lock_guard lock(mutex_);
        return std::forward<F>(f)(value_);
    }
    template <class F>
    decltype(auto) with(F&& f) const {
        std::lock_guard lock(mutex_);
        return std::forward<F>(f)(std::as_const(value_));
    }

  private:
    mutable std::mutex mutex_;
    T value_;
};

/// An immutable value that many read and few replace. Readers keep the version that they loaded: name it before a loop
/// (in `for (x : *snapshot.load())` it would be gone before the first turn).
/// The lock covers the copy of one pointer (std::atomic<shared_ptr> of libstdc++ 12 races: GCC bug 101761).
template <class T>
class Snapshot {
  public:
    explicit Snapshot(std::shared_ptr<const T> value) : value_(std::move(value)) {}

    [[nodiscard]] std::shared_ptr<const T> load() const {
        return value_.with([](const auto& value) { return value; });
    }
    void store(std::shared_ptr<const T> value) {
        // Swapped, so that the old version's destructor runs outside the lock.
        value_.with([&](auto& current) { current.swap(value); });
    }

  private:
    Guarded<std::shared_ptr<const T>> value_;
};

}  // namespace mimir
