#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <stop_token>
#include <thread>

#include "base/cancellation.hpp"
#include "modules/module_table.hpp"

namespace mimir::modules {

/// One life of one module: a fresh service, and the thread on which it is built, starts, runs, stops and is destroyed.
/// Threads: start and stop from one; see Events.
class Instance {
  public:
    /// Called on the instance's thread; null error for states that are none.
    struct Events {
        std::function<void(State, const Error*)> state;
        /// The work ended, or failed, without having been asked to. The service lives until stop() is called, so that
        /// its dependents can be stopped before.
        std::function<void()> ended;
    };

    Instance(const Module& module, std::chrono::milliseconds grace, Events events);
    /// stop().
    ~Instance();
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    /// Returns when the service is Running, or Failed. `cancel` makes it give up.
    Result<void> start(const CancellationToken& cancel);
    /// Makes run() return and stop() follow; does not wait.
    void request_stop() { stop_.request_stop(); }
    /// Whether the service is gone, waiting for it at most this long.
    [[nodiscard]] bool gone_within(std::chrono::milliseconds patience) const;
    /// request_stop(), and returns when the service is gone. Idempotent.
    /// Errors: of its stop, or earlier of its run.
    Result<void> stop();

  private:
    void live(const CancellationToken& cancel, std::promise<Result<void>> started);
    Result<void> work(Service& service);

    const Module& module_;
    const std::chrono::milliseconds grace_;
    const Events events_;
    std::stop_source stop_;
    std::promise<void> gone_;  // kept by thread_
    const std::future<void> is_gone_ = gone_.get_future();
    std::thread thread_;
    Result<void> end_;  // written by thread_, read after its join
};

}  // namespace mimir::modules
