#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"

struct sd_bus;

namespace mimir::launch {

/// What systemd says of a unit, in its words.
struct UnitState {
    /// "loaded", "not-found", "masked"
    std::string load;
    /// "active", "activating", "deactivating", "inactive", "failed"
    std::string active;
    /// "running", "auto-restart", ...
    std::string sub;
    /// How its process ended: "success", "exit-code", "signal", "watchdog", "start-limit-hit", ...
    std::string result;
    /// 0 when there is none.
    int pid = 0;
    /// Since it was last started or stopped by somebody.
    std::uint32_t restarts = 0;
    /// It is about to start or to stop.
    bool has_job = false;
};

/// A connection to systemd, the system's service manager, over D-Bus. Every call is answered within ten seconds, or
/// fails.
/// Errors: unavailable (there is no systemd, it does not answer, or it refuses: the message says what to look at).
/// Threads: one.
class ServiceManager {
  public:
    static Result<ServiceManager> connect();

    Result<UnitState> state(const std::string& unit);
    /// These three ask for it, and return. Starting is refused while the unit is about to stop.
    Result<void> start(const std::string& unit);
    /// No error of a unit that does not run.
    Result<void> stop(const std::string& unit);
    /// SIGKILL to all of its processes.
    Result<void> kill(const std::string& unit);
    /// Forgets that it failed, and how often: what has `start-limit-hit` may start again.
    Result<void> reset_failed(const std::string& unit);

  private:
    struct Close {
        void operator()(sd_bus* bus) const;
    };
    explicit ServiceManager(sd_bus* bus) : bus_(bus) {}

    std::unique_ptr<sd_bus, Close> bus_;
};

}  // namespace mimir::launch
