#include "http/detail/watch.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

namespace mimir::http::detail {
namespace {

/// How long a cancellation may go unnoticed.
constexpr std::chrono::milliseconds kPollInterval(20);

}  // namespace

struct Watch::State {
    boost::asio::steady_timer timer;
    CancellationToken token;
    std::function<void()> stop;
    std::function<bool()> overdue;
    bool over = false;
};

Watch::Watch(
    const boost::asio::any_io_executor& strand,
    CancellationToken token,
    std::function<void()> stop,
    std::function<bool()> overdue
)
    : state_(std::make_shared<State>(
          boost::asio::steady_timer(strand), std::move(token), std::move(stop), std::move(overdue)
      )) {
    arm(state_);
}

Watch::~Watch() {
    state_->over = true;  // the timer's handler may be queued already
    state_->timer.cancel();
}

void Watch::arm(const std::shared_ptr<State>& state) {
    auto next = std::chrono::steady_clock::now() + kPollInterval;
    if (const auto deadline = state->token.deadline()) next = std::min(next, *deadline);
    state->timer.expires_at(next);
    state->timer.async_wait([state](const boost::system::error_code&) {
        if (state->over) return;
        if (state->token.check() && !(state->overdue && state->overdue())) {
            arm(state);
        } else {
            state->stop();
        }
    });
}

}  // namespace mimir::http::detail
