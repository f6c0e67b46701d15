#include "runtime/pool.hpp"

#include <pthread.h>

#include "base/assert.hpp"

namespace mimir::runtime {

Pool::Pool(std::string name, PoolOptions options) : name_(std::move(name)), options_(options) {
    MIMIR_ASSERT(options_.threads > 0, "a pool without threads would never run its jobs");
    for (std::size_t i = 0; i < options_.threads; ++i) {
        threads_.emplace_back([this, i] { work(i); });
    }
}

Pool::~Pool() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
}

Result<void> Pool::post_job(Job& job) {
    {
        std::lock_guard lock(mutex_);
        if (stopping_) return fail(ErrorKind::unavailable, "the {} threads are stopping", name_);
        if (queued_ >= options_.queue_limit) {
            return fail(
                ErrorKind::unavailable, "too busy: {} jobs wait for the {} threads", queued_, name_
            );
        }
        job.next_ = nullptr;
        (last_ != nullptr ? last_->next_ : first_) = &job;
        last_ = &job;
        ++queued_;
    }
    wake_.notify_one();
    return {};
}

std::size_t Pool::queued() const {
    std::lock_guard lock(mutex_);
    return queued_;
}

std::size_t Pool::running() const {
    std::lock_guard lock(mutex_);
    return running_;
}

void Pool::work(std::size_t thread) {
    // The kernel keeps 15 characters of a thread's name.
    pthread_setname_np(pthread_self(), fmt::format("{}-{}", name_, thread).substr(0, 15).c_str());
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return first_ != nullptr || stopping_; });
        if (first_ == nullptr) return;
        Job* job = take_first();
        ++running_;
        lock.unlock();
        job->run();  // the job may be gone after this
        lock.lock();
        --running_;
    }
}

Job* Pool::take_first() {
    Job* job = first_;
    first_ = job->next_;
    if (first_ == nullptr) last_ = nullptr;
    --queued_;
    return job;
}

}  // namespace mimir::runtime
