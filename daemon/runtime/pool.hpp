#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "runtime/turn_order.hpp"

namespace mimir::runtime {

/// A unit of work and its place in the queue. Whoever posts it keeps it alive until run() has
/// returned.
class Job : public TurnOrder::Waiter {
  public:
    Job() = default;
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;
    virtual ~Job() = default;
    virtual void run() = 0;

  private:
    friend class Pool;
    TurnOrder::Share* share_ = nullptr;
    Job* next_ready_ = nullptr;
};

/// CPU time of the calling thread.
std::chrono::nanoseconds thread_cpu_time();

struct PoolOptions {
    std::size_t threads = 1;
    /// Jobs that may wait for a thread; one more is refused.
    std::size_t queue_limit = 1024;
    /// How many jobs compute at once, when fewer than threads: others are begun, too, but wait for their turn at the
    /// next Turn::give_way() of one that computes. 0: all.
    std::size_t turns = 0;
    /// Added to the threads' niceness: with more than 0 they let threads of other pools go first.
    int nice = 0;
    /// What turns are measured with, how often a job offers its own, and how often those who wait look whether a turn is
    /// stuck or they need not wait any longer. Tests count instead.
    std::chrono::nanoseconds (*cpu_time)() = thread_cpu_time;
    std::chrono::microseconds offers_every{200};
    std::chrono::milliseconds looks_every{50};
};

/// Threads that run jobs: first in, first out, or, with turns, fairly by tenant (runtime/turn_order.hpp). With turns:
///   - a job has a turn when it begins, and keeps it until it ends, is away, or hands it on;
///   - a turn counts no more once its job has been seen at no give_way() for a while, as when it waits for the disk: so
///     nobody waits for ever, whatever a job does.
/// Threads: any.
class Pool {
  public:
    /// The name is seen in `top -H` and in errors; the threads are called name-0, name-1, ...
    Pool(std::string name, PoolOptions options);
    /// Runs what is queued, refuses the rest, and joins the threads.
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    /// For whom the job works matters with turns only; jobs for nobody share with one another.
    /// Errors: unavailable, when the queue is full or the pool stops; the job is not run then.
    Result<void> post_job(Job& job, std::string_view tenant = {});
    /// The same for a callable, which the pool then owns.
    template <class F>
    Result<void> post(F fn);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const PoolOptions& options() const { return options_; }
    /// Jobs that wait for a thread now.
    [[nodiscard]] std::size_t queued() const;
    /// Jobs that run now, or wait for another turn.
    [[nodiscard]] std::size_t running() const;

  private:
    class Worker;

    // With the lock held.
    Job* next_job(std::unique_lock<std::mutex>& lock);
    Job* take_ready();
    void dispatch(bool caller_is_idle);
    void find_stuck();
    [[nodiscard]] bool has_free_turn() const;
    [[nodiscard]] bool has_free_thread() const { return idle_ > ready_; }

    const std::string name_;
    const PoolOptions options_;
    const bool takes_turns_;

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    TurnOrder order_;
    Job* first_ready_ = nullptr;  // to be run by threads that are idle
    Job* last_ready_ = nullptr;
    std::size_t ready_ = 0;
    std::size_t idle_ = 0;  // threads
    std::size_t running_ = 0;
    std::size_t taken_ = 0;  // turns, those of jobs that are ready included
    std::size_t stuck_ = 0;  // of those
    bool watched_ = false;   // an idle thread looks for stuck turns
    std::chrono::steady_clock::time_point watched_at_;
    bool stopping_ = false;
    /// For those who run: somebody waits for a turn.
    std::atomic<bool> wanted_ = false;

    std::vector<std::unique_ptr<Worker>> workers_;
};

template <class F>
Result<void> Pool::post(F fn) {
    struct Owned final : Job {
        explicit Owned(F f) : fn(std::move(f)) {}
        void run() override {
            const std::unique_ptr<Owned> self(this);
            fn();
        }
        F fn;
    };
    auto job = std::make_unique<Owned>(std::move(fn));
    MIMIR_TRY(post_job(*job));
    static_cast<void>(job.release());  // deletes itself once it has run
    return {};
}

}  // namespace mimir::runtime
