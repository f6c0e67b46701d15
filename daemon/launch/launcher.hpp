#pragma once

// Who starts the processes beside a node's primary one, and keeps them running.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "telemetry/log.hpp"

namespace mimir::launch {

struct ProcessSpec {
    /// Unique on the node.
    std::string name;
    /// Its command line behind the program's name.
    std::vector<std::string> arguments;
    /// Where its admin API answers once it runs.
    std::filesystem::path admin_socket;
};

enum class ProcessState : std::uint8_t {
    starting,  ///< it was begun, and does not say yet that it is ready
    running,   ///< its admin API says that it is ready
    waiting,   ///< it ended by itself, and is begun again after a back-off
    failed,    ///< it ended too often in a row, and is left alone
    stopping,
};
std::string_view to_string(ProcessState state);

struct ProcessStatus {
    std::string name;
    ProcessState state = ProcessState::starting;
    /// 0 while there is none.
    int pid = 0;
    TimestampMs since;
    /// In a row, without having run for a while between.
    std::uint32_t restarts = 0;
    /// Why it ended, or is not ready; empty when all is well.
    std::string error;
};

/// Threads: any.
class Launcher {
  public:
    virtual ~Launcher() = default;

    /// Begins to keep a process running, and returns. One that runs already, which a former primary
    /// left, is taken over. Nothing happens when it is kept already.
    virtual void start(ProcessSpec spec) = 0;
    /// Asks it to end and waits until it has; kills it after the grace. Also one that is not kept but
    /// answers at the socket. Nothing happens when there is none.
    /// Errors: timeout (it had to be killed; it has ended all the same).
    virtual Result<void> stop(const ProcessSpec& spec, std::chrono::milliseconds grace) = 0;
    /// By name.
    [[nodiscard]] virtual std::vector<ProcessStatus> list() const = 0;
};

struct SupervisorOptions {
    /// What is run.
    std::filesystem::path program;
    std::chrono::milliseconds backoff_min = std::chrono::seconds(1);
    std::chrono::milliseconds backoff_max = std::chrono::minutes(1);
    /// One that ran for so long starts over with its back-off.
    std::chrono::milliseconds good_run = std::chrono::minutes(1);
    std::uint32_t restarts_max = 10;
};

/// The processes are children of this one, with its standard output and error. They outlive it, and the launcher:
/// who wants them to end stops them.
std::unique_ptr<Launcher> create_supervisor(
    SupervisorOptions options, telemetry::Logger log, const Clock& clock = system_clock()
);

struct SystemdOptions {
    /// Where a unit's command line looks for the flags of its process: <name>.flags, each ended by a NUL byte.
    std::filesystem::path flags_folder = "/run/mimird";
};

/// The processes are units mimird@<name>.service of the system's service manager, asked for over D-Bus; systemd/
/// mimird@.service says how they run and how often they are restarted. What systemd says counts: a unit that it gave
/// up, or that somebody else stopped, is `failed` until it is started again, by start() or by systemctl.
/// What systemd refuses, as it does to a user without a rule of polkit, is tried again after a back-off.
/// Errors of stop(): unavailable too (there is no systemd, or it refuses).
std::unique_ptr<Launcher> create_systemd(
    SystemdOptions options, telemetry::Logger log, const Clock& clock = system_clock()
);

}  // namespace mimir::launch
