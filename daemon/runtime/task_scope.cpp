#include "runtime/task_scope.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <condition_variable>
#include <mutex>
#include <unordered_set>

#include "base/assert.hpp"

namespace mimir::runtime {
namespace {

struct Task {
    explicit Task(const asio::any_io_executor& executor) : strand(asio::make_strand(executor)) {}
    asio::strand<asio::any_io_executor> strand;
    asio::cancellation_signal signal;  // on the strand only
};

bool is_cancellation(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
        return e.code() == asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

}  // namespace

struct TaskScope::State {
    explicit State(asio::any_io_executor e) : executor(std::move(e)) {}

    const asio::any_io_executor executor;
    mutable std::mutex mutex;
    std::condition_variable ended;
    std::unordered_set<std::shared_ptr<Task>> tasks;
    bool stopped = false;

    void end(const std::shared_ptr<Task>& task) {
        std::lock_guard lock(mutex);
        tasks.erase(task);
        if (tasks.empty()) ended.notify_all();
    }
};

TaskScope::TaskScope(IoThreads& io) : state_(std::make_shared<State>(io.executor())) {}

TaskScope::~TaskScope() { stop(); }

void TaskScope::spawn(asio::awaitable<void> work) {
    auto task = std::make_shared<Task>(state_->executor);
    {
        std::lock_guard lock(state_->mutex);
        if (state_->stopped) return;
        state_->tasks.insert(task);
    }
    asio::post(task->strand, [state = state_, task, work = std::move(work)]() mutable {
        auto on_end = [state, task](const std::exception_ptr& error) {
            MIMIR_ASSERT(error == nullptr || is_cancellation(error), "tasks return their errors");
            // Posted, so that the coroutine's frame is gone before the scope's owner goes on.
            asio::post(task->strand, [state, task] { state->end(task); });
        };
        asio::co_spawn(
            task->strand,
            std::move(work),
            asio::bind_cancellation_slot(task->signal.slot(), std::move(on_end))
        );
    });
}

void TaskScope::stop() {
    std::unique_lock lock(state_->mutex);
    state_->stopped = true;
    if (state_->tasks.empty()) return;
    MIMIR_ASSERT(!on_io_thread(), "the event loop must not wait for itself");
    for (const auto& task : state_->tasks) {
        asio::post(task->strand, [task] { task->signal.emit(asio::cancellation_type::terminal); });
    }
    state_->ended.wait(lock, [this] { return state_->tasks.empty(); });
}

std::size_t TaskScope::size() const {
    std::lock_guard lock(state_->mutex);
    return state_->tasks.size();
}

asio::awaitable<void> sleep_for(std::chrono::nanoseconds time) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_after(time);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

}  // namespace mimir::runtime
