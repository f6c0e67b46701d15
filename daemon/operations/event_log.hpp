#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/types.hpp"
#include "base/clock.hpp"

namespace mimir::operations {

/// Where the cursors of a process begin, by its Journal::boot(): above those of every earlier one (16 million events a
/// process), and exact as JSON numbers (500 million processes).
constexpr std::uint64_t first_cursor(std::uint64_t boot) { return (boot << 24U) + 1; }

struct NewEvent {
    api::Severity severity = api::Severity::info;
    /// module, operation, config, daemon or admin.
    std::string kind;
    std::string subject;
    std::string message;
    std::optional<std::string> operation;
};

struct EventLogOptions {
    std::uint64_t first_cursor = 1;
    /// How many of the newest are kept.
    std::size_t kept = 1024;
    /// Called after each addition, on the thread that adds; with several such threads perhaps out of order.
    std::function<void(const api::Event&)> added;
};

/// What happened lately, in memory: followers read on from a cursor, and learn when they missed something.
/// Threads: any.
class EventLog {
  public:
    /// The clock outlives the log.
    explicit EventLog(EventLogOptions options, const Clock& clock = system_clock());

    api::Event add(NewEvent event);

    /// The first `limit` events after the cursor. When some between were dropped the first one says so in `missed`; for
    /// a cursor of another process that is the number known, and may be 0. Cursor 0 asks for all that there is.
    [[nodiscard]] std::vector<api::Event> after(std::uint64_t cursor, std::size_t limit) const;
    /// The newest `limit` events, oldest first.
    [[nodiscard]] std::vector<api::Event> latest(std::size_t limit) const;
    /// Of the newest event; one below the first cursor while there is none.
    [[nodiscard]] std::uint64_t last_cursor() const;

  private:
    /// What to tell someone who stands at the cursor about the events that he will not get.
    [[nodiscard]] std::optional<std::uint64_t> missed(std::uint64_t cursor) const;

    const EventLogOptions options_;
    const Clock& clock_;

    mutable std::mutex mutex_;
    std::uint64_t next_;
    /// Consecutive cursors, next_ - 1 the last.
    std::deque<api::Event> events_;
};

}  // namespace mimir::operations
