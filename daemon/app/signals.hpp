#pragma once

#include "base/result.hpp"

namespace mimir::app {

/// SIGINT, SIGTERM and SIGHUP as something to wait for. Created before the first other thread, so that all of them inherit
/// that these signals are blocked.
/// Threads: wake from any, the rest from one.
class Signals {
  public:
    static Result<Signals> create();
    Signals(Signals&& other) noexcept;
    Signals& operator=(Signals&&) = delete;
    ~Signals();

    enum class Event { terminate, reload, woken };
    /// Returns at the next signal, or wake().
    Event wait();
    void wake();
    /// As if SIGTERM had come; once.
    void terminate();

    /// From now on SIGINT and SIGTERM end the process at once.
    void restore();

  private:
    Signals(int signals, int wake) : signal_fd_(signals), wake_fd_(wake) {}
    int signal_fd_;
    int wake_fd_;
};

}  // namespace mimir::app
