#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/cancellation.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "modules/instance.hpp"
#include "modules/manager.hpp"
#include "modules/module_table.hpp"
#include "modules/status_board.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::modules {

/// The modules that are up: starts and stops one at a time, and notes, logs and counts what becomes
/// of each. Knows nothing of dependencies.
/// Threads: one; the states of a life come in on its own thread.
class Lives {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;

    /// Called on the module's thread when its work ended, or failed, without being asked to.
    using Ended = std::function<void(const std::string& name, std::uint64_t number)>;

    /// All references outlive it.
    Lives(
        const ManagerOptions& options,
        StatusBoard& board,
        const telemetry::Logger& log,
        telemetry::Registry& registry,
        const Clock& clock,
        Ended ended
    );

    /// Stops what is left of an earlier life, and returns when the new one is Running.
    /// Errors: of the module's factory and start.
    Result<void> start(const Module& module, const CancellationToken& cancel);
    /// Returns when the module is gone; at once when it is not up. Warns while that takes too long.
    /// Errors: of its stop, or earlier of its run.
    Result<void> stop(const std::string& name);

    /// One life of a module, numbered over all modules.
    struct Life {
        std::uint64_t number = 0;
        TimePoint running_since;
        std::unique_ptr<Instance> instance;
    };
    /// Null when it is not up. A life that failed or ended is up until it is stopped.
    [[nodiscard]] const Life* find(const std::string& name) const;

  private:
    struct Metrics {
        explicit Metrics(telemetry::Registry& registry);
        telemetry::MetricScope scope;
        telemetry::Family<telemetry::Counter>& starts;
        telemetry::Family<telemetry::Counter>& failures;
        telemetry::Family<telemetry::Gauge>& running;
    };

    void note(const std::string& name, State now, const Error* error);
    void wait_until_gone(const std::string& name, const Instance& instance, TimePoint asked);

    const ManagerOptions& options_;
    StatusBoard& board_;
    const telemetry::Logger& log_;
    const Clock& clock_;
    const Ended ended_;
    Metrics metrics_;
    std::uint64_t started_ = 0;
    std::map<std::string, Life> lives_;
};

}  // namespace mimir::modules
