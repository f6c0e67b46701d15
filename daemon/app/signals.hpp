#pragma once

#include "base/result.hpp"

namespace mimir::app {

/// SIGINT and SIGTERM as something to wait for. Created before the first other thread, so that all of them inherit
/// that these signals are blocked.
/// Threads: wake from any, the rest from one.
class Signals {
  public:
    static Result<Signals> create();
    Signals(Signals&& other) noexcept;
    Signals& operator=(Signals&&) = delete;
    ~Signals();

    enum class Event { terminate, woken };
    /// Returns at the next signal, or wake().
    Event wait();
    void wake();

    /// From now on a signal ends the process at once.
    void restore();

  private:
    Signals(int signals, int wake) : signal_fd_(signals), wake_fd_(wake) {}
    int signal_fd_;
    int wake_fd_;
};

}  // namespace mimir::app
