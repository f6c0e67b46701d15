#pragma once

#include <atomic>

#include "base/cancellation.hpp"

namespace mimir {

/// A thread's permission to compute, where more jobs are begun than there are processors for (runtime/pool.hpp).
/// Long work offers it to others every some hundred microseconds, and whoever is about to block for something other than
/// a lock is Away meanwhile. On threads that take no turns neither has an effect.
/// Threads: its own; the flag is others' to set.
class Turn {
  public:
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    /// Lets others go first when it is their turn, and returns when it is this thread's again; at once when the token
    /// says stop. Not to be called with a lock held. Costs a read when nobody waits.
    static void give_way(const CancellationToken& token) {
        if (current_ != nullptr && current_->wanted_.load(std::memory_order_relaxed))
            current_->offer(token);
    }

    class Away;

  protected:
    /// Whether anybody waits for a turn: outlives this.
    explicit Turn(const std::atomic<bool>& wanted) : wanted_(wanted) {}
    ~Turn() = default;

    static void set_current(Turn* turn) { current_ = turn; }

  private:
    virtual void offer(const CancellationToken& token) = 0;
    virtual void leave() = 0;
    virtual void come_back() = 0;

    static constinit inline thread_local Turn* current_ = nullptr;

    const std::atomic<bool>& wanted_;
};

/// While it lives, its thread has no turn; its end waits for one. So it is made before a lock is taken, not after.
class Turn::Away {
  public:
    Away() : turn_(current_) {
        if (turn_ == nullptr) return;
        current_ = nullptr;
        turn_->leave();
    }
    ~Away() {
        if (turn_ == nullptr) return;
        turn_->come_back();
        current_ = turn_;
    }
    Away(const Away&) = delete;
    Away& operator=(const Away&) = delete;

  private:
    Turn* const turn_;
};

}  // namespace mimir
