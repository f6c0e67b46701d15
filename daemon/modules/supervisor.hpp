#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "modules/module_table.hpp"
#include "modules/restart_policy.hpp"
#include "modules/status_board.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::modules {

/// Which of the modules that are down will be started again, and when; tells the board, the log and
/// the metrics. Knows nothing of dependencies: whoever owns it starts what is due, once all that it
/// needs runs.
/// Threads: one.
class Supervisor {
  public:
    /// All references outlive it.
    Supervisor(
        const RestartPolicy& policy,
        StatusBoard& board,
        const telemetry::Logger& log,
        telemetry::Registry& registry,
        const Clock& clock
    );

    /// A module failed, after a life of this length: 0 when it did not start.
    void failed(const std::string& name, std::chrono::nanoseconds lived);
    /// A module is down through no fault of its own: it is due, as soon as what it needs runs.
    void await(const std::string& name);
    /// A restart begins; one in the row, unless the module was only awaited.
    void restarting(const std::string& name);
    /// No restart, and the row is over: an operator took over.
    void forget(const std::string& name);
    /// Forgets every other module.
    void keep_only(const Names& needed);

    /// Whether it will be started again, now or later.
    [[nodiscard]] bool is_pending(const std::string& name) const;
    [[nodiscard]] Names due() const;
    /// Until the first that is not due yet.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> until_next() const;

  private:
    struct Row {
        unsigned restarts = 0;
        bool failed = false;  ///< rather than awaited
        std::optional<std::chrono::steady_clock::time_point> due = {};
    };

    const RestartPolicy& policy_;
    StatusBoard& board_;
    const telemetry::Logger& log_;
    const Clock& clock_;
    telemetry::MetricScope scope_;
    telemetry::Family<telemetry::Counter>& restarts_;
    std::map<std::string, Row> rows_;
};

}  // namespace mimir::modules
