#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace mimir::runtime {

/// A unit of work and its place in the queue. Whoever posts it keeps it alive until run() has
/// returned.
class Job {
  public:
    Job() = default;
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;
    virtual ~Job() = default;
    virtual void run() = 0;

  private:
    friend class Pool;
    Job* next_ = nullptr;
};

struct PoolOptions {
    std::size_t threads = 1;
    /// Jobs that may wait for a thread; one more is refused.
    std::size_t queue_limit = 1024;
};

/// Threads that run jobs first in, first out.
/// Threads: any.
class Pool {
  public:
    /// The name is seen in `top -H` and in errors; the threads are called name-0, name-1, ...
    Pool(std::string name, PoolOptions options);
    /// Runs what is queued, refuses the rest, and joins the threads.
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    /// Errors: unavailable, when the queue is full or the pool stops; the job is not run then.
    Result<void> post_job(Job& job);
    /// The same for a callable, which the pool then owns.
    template <class F>
    Result<void> post(F fn);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const PoolOptions& options() const { return options_; }
    /// Jobs that wait for a thread now.
    [[nodiscard]] std::size_t queued() const;
    /// Jobs that run now.
    [[nodiscard]] std::size_t running() const;

  private:
    void work(std::size_t thread);
    Job* take_first();

    const std::string name_;
    const PoolOptions options_;

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    Job* first_ = nullptr;
    Job* last_ = nullptr;
    std::size_t queued_ = 0;
    std::size_t running_ = 0;
    bool stopping_ = false;

    std::vector<std::thread> threads_;
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
