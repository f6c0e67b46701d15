#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "base/cancellation.hpp"

namespace mimir::http::detail {

/// Calls `stop`, once, when the token says that work should stop while this lives, or `overdue` does:
/// a token has no callbacks. Threads: the strand that it is given, on which `stop` and `overdue` run.
class Watch {
  public:
    Watch(
        const boost::asio::any_io_executor& strand,
        CancellationToken token,
        std::function<void()> stop,
        std::function<bool()> overdue = {}
    );
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

  private:
    struct State;
    static void arm(const std::shared_ptr<State>& state);
    std::shared_ptr<State> state_;
};

}  // namespace mimir::http::detail
