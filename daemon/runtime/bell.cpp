#include "runtime/bell.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mimir::runtime {

/// A coroutine that waits. Its timer is touched on the coroutine's strand alone.
struct Bell::Waiter {
    explicit Waiter(const asio::any_io_executor& executor) : timer(executor) {}
    asio::steady_timer timer;
};

/// A waiter's entry in the list, for as long as it waits: also when its frame is destroyed.
class Bell::Place {
  public:
    Place(Bell& bell, std::shared_ptr<Waiter> waiter) : bell_(bell), waiter_(std::move(waiter)) {}
    ~Place() {
        std::lock_guard lock(bell_.mutex_);
        bell_.waiters_.erase(waiter_);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    /// False when there is no need to wait.
    [[nodiscard]] bool take(std::uint64_t seen) const {
        std::lock_guard lock(bell_.mutex_);
        if (bell_.rings_ != seen) return false;
        bell_.waiters_.insert(waiter_);
        return true;
    }

  private:
    Bell& bell_;
    const std::shared_ptr<Waiter> waiter_;
};

Bell::Bell() = default;
Bell::~Bell() = default;

void Bell::ring() {
    Waiters woken;
    {
        std::lock_guard lock(mutex_);
        ++rings_;
        woken.swap(waiters_);
    }
    for (const auto& waiter : woken) {
        // Runs once the coroutine waits for its timer: until then the coroutine has the strand.
        asio::post(waiter->timer.get_executor(), [waiter] { waiter->timer.cancel(); });
    }
}

std::uint64_t Bell::rings() const {
    std::lock_guard lock(mutex_);
    return rings_;
}

asio::awaitable<void> Bell::wait(std::uint64_t seen, std::chrono::nanoseconds at_most) {
    const auto waiter = std::make_shared<Waiter>(co_await asio::this_coro::executor);
    const Place place(*this, waiter);
    waiter->timer.expires_after(at_most);
    if (place.take(seen)) {
        co_await waiter->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

asio::awaitable<void> Bell::wait(std::chrono::nanoseconds at_most) {
    return wait(rings(), at_most);
}

}  // namespace mimir::runtime
