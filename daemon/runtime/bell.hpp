#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_set>

#include "runtime/executors.hpp"

namespace mimir::runtime {

/// Lets coroutines wait for "something new" without polling: event streams, long polls.
///     for (std::uint64_t seen = bell.rings();; seen = bell.rings()) {
///         ... send what is new; what comes from here on rings, and the wait returns at once ...
///         co_await bell.wait(seen, 15s);
///     }
/// Threads: any. Outlives those who wait for it.
class Bell {
  public:
    Bell();
    ~Bell();
    Bell(const Bell&) = delete;
    Bell& operator=(const Bell&) = delete;

    /// Resumes every coroutine that waits. Costs a lock when nobody does.
    void ring();

    /// How often it has been rung: a ticket for wait(), to be taken before looking at what is new.
    [[nodiscard]] std::uint64_t rings() const;

    /// Resumes at the first ring after the `seen`th (at once, when there has been one), when the
    /// time is up, or when its task is cancelled.
    /// Threads: a coroutine on a strand, as those of TaskScope and of the HTTP server are.
    asio::awaitable<void> wait(std::uint64_t seen, std::chrono::nanoseconds at_most);
    /// The same for the first ring after this call.
    asio::awaitable<void> wait(std::chrono::nanoseconds at_most);

  private:
    struct Waiter;
    class Place;
    using Waiters = std::unordered_set<std::shared_ptr<Waiter>>;

    mutable std::mutex mutex_;
    std::uint64_t rings_ = 0;
    Waiters waiters_;
};

}  // namespace mimir::runtime
