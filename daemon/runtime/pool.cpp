#include "runtime/pool.hpp"

#include <pthread.h>
#include <unistd.h>

#include <ctime>

#include "base/assert.hpp"
#include "base/turn.hpp"

namespace mimir::runtime {
std::chrono::nanoseconds thread_cpu_time() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// One of the pool's threads, and the turn of the job that it runs.
class Pool::Worker final : public Turn {
  public:
    Worker(Pool& pool, std::size_t number)
        : Turn(pool.wanted_), pool_(pool), thread_([this, number] { work(number); }) {}

    void join() { thread_.join(); }

    // With the pool's lock held.

    void grant() {
        granted_ = true;
        granted_bell_.notify_one();
    }
    /// True when it becomes known now that the turn is stuck.
    bool is_found_stuck() {
        if (!has_turn_ || stuck_) return false;
        stuck_ = !seen_;
        seen_ = false;
        return stuck_;
    }

    /// In the pool's order.
    struct Place final : TurnOrder::Waiter {
        explicit Place(Worker& w) : worker(w) {}
        Worker& worker;
    };

  private:
    void work(std::size_t number);
    void run(Job& job, std::unique_lock<std::mutex>& lock);

    // Turn.
    void offer(const CancellationToken& token) override;
    void leave() override;
    void come_back() override;

    // With the lock held.
    void take_turn();
    void end_turn();
    void wait_for_turn(std::unique_lock<std::mutex>& lock, const CancellationToken& token);
    void unstick();
    void charge();

    Pool& pool_;
    std::chrono::steady_clock::time_point offered_;

    // Guarded by the pool's lock.
    Place place_{*this};
    TurnOrder::Share* share_ = nullptr;
    bool has_turn_ = false;
    bool seen_ = false;  // since it was last looked whether it is stuck
    bool stuck_ = false;
    bool granted_ = false;
    std::condition_variable granted_bell_;
    std::chrono::nanoseconds turn_began_{0};  // CPU time of the thread
    std::chrono::nanoseconds charged_{0};     // up to here

    std::thread thread_;
};

Pool::Pool(std::string name, PoolOptions options)
    : name_(std::move(name)),
      options_(options),
      takes_turns_(options_.turns > 0 && options_.turns < options_.threads) {
    MIMIR_ASSERT(options_.threads > 0, "a pool without threads would never run its jobs");
    const std::lock_guard lock(mutex_);  // workers see all of each other
    for (std::size_t i = 0; i < options_.threads; ++i) {
        workers_.push_back(std::make_unique<Worker>(*this, i));
    }
}

Pool::~Pool() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (auto& worker : workers_) worker->join();
}

Result<void> Pool::post_job(Job& job, std::string_view tenant) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return fail(ErrorKind::unavailable, "the {} threads are stopping", name_);
    const std::size_t queued = order_.waiting(TurnOrder::Kind::not_begun) + ready_;
    if (queued >= options_.queue_limit) {
        return fail(
            ErrorKind::unavailable, "too busy: {} jobs wait for the {} threads", queued, name_
        );
    }
    job.share_ = &order_.enter(takes_turns_ ? tenant : std::string_view());
    order_.add(*job.share_, job, TurnOrder::Kind::not_begun);
    dispatch(false);
    return {};
}

std::size_t Pool::queued() const {
    std::lock_guard lock(mutex_);
    return order_.waiting(TurnOrder::Kind::not_begun) + ready_;
}

std::size_t Pool::running() const {
    std::lock_guard lock(mutex_);
    return running_;
}

Job* Pool::next_job(std::unique_lock<std::mutex>& lock) {
    ++idle_;
    dispatch(true);
    for (;;) {
        if (first_ready_ != nullptr) return take_ready();
        if (stopping_ && order_.waiting(TurnOrder::Kind::not_begun) == 0) return nullptr;
        if (!wanted_ || watched_) {
            wake_.wait(lock);
            continue;
        }
        watched_ = true;
        wake_.wait_for(lock, options_.looks_every);
        watched_ = false;
        find_stuck();
        dispatch(true);
    }
}

Job* Pool::take_ready() {
    Job* job = first_ready_;
    first_ready_ = job->next_ready_;
    if (first_ready_ == nullptr) last_ready_ = nullptr;
    --ready_;
    --idle_;
    // Another one watches on; and the last one in the queue lets the idle ones end.
    if (stopping_ && order_.waiting(TurnOrder::Kind::not_begun) == 0) {
        wake_.notify_all();
    } else if (wanted_ && !watched_ && has_free_thread()) {
        wake_.notify_one();
    }
    return job;
}

/// Gives free turns to those who are next. A caller that is idle takes one of the jobs itself.
void Pool::dispatch(bool caller_is_idle) {
    while (has_free_turn()) {
        const auto [next, kind] = order_.take(has_free_thread());
        if (next == nullptr) break;
        ++taken_;
        if (kind == TurnOrder::Kind::begun) {
            static_cast<Worker::Place*>(next)->worker.grant();
            continue;
        }
        Job* job = static_cast<Job*>(next);
        job->next_ready_ = nullptr;
        (last_ready_ != nullptr ? last_ready_->next_ready_ : first_ready_) = job;
        last_ready_ = job;
        ++ready_;
        if (!std::exchange(caller_is_idle, false)) wake_.notify_one();
    }
    const bool wanted = takes_turns_ && !order_.is_empty();
    const bool begins = wanted && !wanted_.load(std::memory_order_relaxed);
    wanted_.store(wanted, std::memory_order_relaxed);
    if (begins && !watched_ && has_free_thread()) wake_.notify_one();
}

bool Pool::has_free_turn() const { return !takes_turns_ || taken_ - stuck_ < options_.turns; }

/// Turns of which nothing was seen since the last look count no more until something is.
void Pool::find_stuck() {
    const auto now = std::chrono::steady_clock::now();
    if (now - watched_at_ < options_.looks_every) return;
    watched_at_ = now;
    for (const auto& worker : workers_) {
        if (worker->is_found_stuck()) ++stuck_;
    }
}

void Pool::Worker::work(std::size_t number) {
    // The kernel keeps 15 characters of a thread's name.
    const std::string name = fmt::format("{}-{}", pool_.name_, number).substr(0, 15);
    pthread_setname_np(pthread_self(), name.c_str());
    // On Linux of this thread alone. Needs no privilege, as it never goes back.
    static_cast<void>(nice(pool_.options_.nice));
    std::unique_lock lock(pool_.mutex_);
    while (Job* job = pool_.next_job(lock)) run(*job, lock);
}

void Pool::Worker::run(Job& job, std::unique_lock<std::mutex>& lock) {
    TurnOrder::Share& share = *job.share_;
    ++pool_.running_;
    share_ = &share;
    take_turn();
    lock.unlock();
    if (pool_.takes_turns_) set_current(this);
    job.run();  // the job may be gone after this
    set_current(nullptr);
    lock.lock();
    end_turn();
    pool_.order_.leave(share);
    --pool_.running_;
}

void Pool::Worker::offer(const CancellationToken& token) {
    const auto now = std::chrono::steady_clock::now();
    if (now - offered_ < pool_.options_.offers_every) return;
    offered_ = now;
    std::unique_lock lock(pool_.mutex_);
    unstick();
    seen_ = true;
    charge();
    const auto had = charged_ - turn_began_;
    // One too many compute when this turn was taken to be stuck, or somebody was canceled.
    const bool too_many = pool_.taken_ - pool_.stuck_ > pool_.options_.turns;
    if (!too_many && !pool_.order_.gives_way(*share_, had, pool_.has_free_thread())) return;
    end_turn();
    wait_for_turn(lock, token);
}

void Pool::Worker::leave() {
    const std::lock_guard lock(pool_.mutex_);
    end_turn();
    pool_.dispatch(false);
}

void Pool::Worker::come_back() {
    std::unique_lock lock(pool_.mutex_);
    wait_for_turn(lock, CancellationToken());
}

/// One that the pool counts already.
void Pool::Worker::take_turn() {
    has_turn_ = true;
    seen_ = true;
    if (pool_.takes_turns_) turn_began_ = charged_ = pool_.options_.cpu_time();
}

void Pool::Worker::end_turn() {
    unstick();
    charge();
    has_turn_ = false;
    --pool_.taken_;
}

void Pool::Worker::wait_for_turn(
    std::unique_lock<std::mutex>& lock, const CancellationToken& token
) {
    granted_ = false;
    pool_.order_.add(*share_, place_, TurnOrder::Kind::begun);
    pool_.dispatch(false);
    while (!granted_) {
        granted_bell_.wait_for(lock, pool_.options_.looks_every);
        if (granted_) break;
        pool_.find_stuck();
        pool_.dispatch(false);
        if (granted_ || token.check()) continue;
        // It is about to end: a turn more for this moment.
        pool_.order_.remove(*share_, place_);
        ++pool_.taken_;
        break;
    }
    take_turn();
}

void Pool::Worker::unstick() {
    if (std::exchange(stuck_, false)) --pool_.stuck_;
}

void Pool::Worker::charge() {
    if (!pool_.takes_turns_) return;
    const auto now = pool_.options_.cpu_time();
    pool_.order_.charge(*share_, now - charged_);
    charged_ = now;
}

}  // namespace mimir::runtime
