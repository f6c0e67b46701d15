#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "modules/status_board.hpp"
#include "runtime/task_scope.hpp"

namespace mimir::app {

/// Where the process is in its life.
enum class Phase : std::uint8_t { starting, running, stopping };

/// What the process does, in a line for `systemctl status`.
struct ProcessState {
    Phase phase = Phase::starting;
    std::string target;
    /// Those that were started.
    std::vector<modules::ModuleStatus> modules;
    /// How far a long start is; empty when nothing is to be said.
    std::string progress;
};
std::string describe(const ProcessState& state);

/// Tells the service manager (systemd, over sd_notify(3)) that the process is ready, what it does, and that it lives:
/// a task on the event loop says so, thus a loop that hangs is found out. While the process starts or stops, the task
/// also asks for more time. Where $NOTIFY_SOCKET is not set, nothing is sent.
/// Threads: one.
class Notifier {
  public:
    /// `describe` makes the line above, within the calls below. Both outlive the notifier.
    Notifier(runtime::IoThreads& io, std::function<std::string(Phase)> describe);
    ~Notifier();
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;

    void enter(Phase phase);
    /// Sends the line when it is another than before.
    void refresh();
    /// Between the two the manager shows that the process reloads its configuration.
    void reload_begins();
    void reload_ended();

  private:
    asio::awaitable<void> beat();
    static void send(const std::string& assignments);

    const std::function<std::string(Phase)> describe_;
    const bool is_asked_for_;
    const std::chrono::microseconds interval_;
    std::atomic<Phase> phase_ = Phase::starting;
    /// What was sent last.
    std::string line_;
    runtime::TaskScope tasks_;
};

}  // namespace mimir::app
