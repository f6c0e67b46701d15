#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "api/types.hpp"
#include "ctl/context.hpp"

namespace mimir::ctl {

/// What --timeout says. Errors: usage.
Outcome<std::chrono::milliseconds> timeout_of(const Invocation& invocation);

/// How long to wait for the answer to a request that changes something: as --timeout says, but not longer than usual
/// with --no-wait, and never less than the second that an answer may take.
std::chrono::milliseconds patience_of(
    const Invocation& invocation, std::chrono::milliseconds timeout
);

/// An operation as it was seen last.
struct Watched {
    api::Operation operation;
    /// As the daemon sent it.
    std::string json;
};

enum class WaitEnd : std::uint8_t { ended, paused, timed_out, detached };

/// Reads the operation's watch stream into `watched` until it has ended or is paused, the time is over or ctrl-C comes.
/// Goes on after broken connections and restarts of the daemon, and says so. Shows steps on a terminal.
/// Errors: the daemon refuses, or cannot be reached until the time is over.
Outcome<WaitEnd> wait_for(
    Context& context, Watched& watched, std::chrono::steady_clock::time_point deadline
);

/// Says how the operation ended, or that it goes on, and gives the exit code.
Outcome<ExitCode> say_end(
    Context& context, const Watched& watched, WaitEnd end, std::chrono::milliseconds timeout
);

}  // namespace mimir::ctl
