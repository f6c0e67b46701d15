#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string_view>

#include "base/cancellation.hpp"
#include "base/result.hpp"

namespace mimir::modules {

/// New -> Starting -> Running -> Stopping -> Terminated, and from each but the ends to Failed.
enum class State : std::uint8_t { new_, starting, running, stopping, terminated, failed };

/// "New", "Starting", ...: as Mimir prints them.
std::string_view to_string(State state);

/// What a module does, as a thin shell round its objects. One instance lives through the states
/// once: each start of a module builds a new one. Threads: constructor, start, run, stop and
/// destructor run one after the other on a thread of the module's own,
///          which may block. What the service needs from other modules outlives it.
class Service {
  public:
    virtual ~Service() = default;

    /// Returns when the module serves; may take long (a WAL to replay), and then looks at `cancel`.
    /// After an error the service is destroyed without run and stop, so its members undo what was
    /// begun.
    virtual Result<void> start(const CancellationToken& cancel) = 0;

    /// Its work while it is Running, until `stop` is requested. An error makes the module Failed:
    /// those that depend on it are stopped, then it. A module whose work is done by others' calls
    /// just waits, as this does.
    virtual Result<void> run(std::stop_token stop);

    /// Drains: takes nothing new, lets what is in flight end within `grace`, and flushes what must
    /// not be lost.
    virtual Result<void> stop(std::chrono::milliseconds grace) = 0;

  protected:
    /// For loops in run(): false when stop was requested before the interval was over.
    static bool sleep(const std::stop_token& stop, std::chrono::nanoseconds interval);
};

}  // namespace mimir::modules
