#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>

#include "runtime/executors.hpp"

namespace mimir::runtime {

/// Owns coroutines that run beside their starter, so that nothing is detached: the loops of a
/// service. Each task has a strand of its own. Cancelling ends the operation that the task awaits
/// (operation_aborted); at the next co_await Asio unwinds the task, so destructors run and nothing
/// after it does. Threads: any.
class TaskScope {
  public:
    explicit TaskScope(IoThreads& io);
    /// stop().
    ~TaskScope();
    TaskScope(const TaskScope&) = delete;
    TaskScope& operator=(const TaskScope&) = delete;

    /// Starts a task; after stop() the task is dropped unstarted.
    void spawn(asio::awaitable<void> task);

    /// Cancels every task and blocks until all have ended. Idempotent.
    /// Threads: any but the loop's own.
    void stop();

    /// Tasks that have not ended.
    [[nodiscard]] std::size_t size() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

/// Resumes the coroutine on its executor after the time, or at once when its task is cancelled.
asio::awaitable<void> sleep_for(std::chrono::nanoseconds time);

}  // namespace mimir::runtime
