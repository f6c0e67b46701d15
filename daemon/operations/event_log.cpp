#include "operations/event_log.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace mimir::operations {

EventLog::EventLog(EventLogOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock), next_(options_.first_cursor) {
    MIMIR_ASSERT(options_.kept > 0, "a log keeps at least one event");
    MIMIR_ASSERT(options_.first_cursor > 0, "cursor 0 is before all events");
}

api::Event EventLog::add(NewEvent wanted) {
    api::Event event{
        .time = clock_.now(),
        .severity = wanted.severity,
        .kind = std::move(wanted.kind),
        .subject = std::move(wanted.subject),
        .message = std::move(wanted.message),
        .operation = std::move(wanted.operation),
    };
    {
        const std::lock_guard lock(mutex_);
        event.cursor = next_++;
        events_.push_back(event);
        if (events_.size() > options_.kept) events_.pop_front();
    }
    if (options_.added) options_.added(event);
    return event;
}

std::vector<api::Event> EventLog::after(std::uint64_t cursor, std::size_t limit) const {
    const std::lock_guard lock(mutex_);
    if (events_.empty()) return {};
    // A cursor beyond the last one is another process's, too: all is new to it.
    const std::uint64_t oldest = events_.front().cursor;
    const bool within = cursor >= oldest && cursor < next_;
    const auto from =
        events_.begin() + static_cast<std::ptrdiff_t>(within ? cursor + 1 - oldest : 0);
    const auto left = static_cast<std::size_t>(events_.end() - from);
    std::vector<api::Event> found(from, from + static_cast<std::ptrdiff_t>(std::min(left, limit)));
    if (!found.empty() && !within) found.front().missed = missed(cursor);
    return found;
}

std::optional<std::uint64_t> EventLog::missed(std::uint64_t cursor) const {
    const std::uint64_t oldest = events_.front().cursor;
    const std::uint64_t dropped = oldest - options_.first_cursor;
    const bool other_process =
        cursor != 0 && (cursor + 1 < options_.first_cursor || cursor >= next_);
    if (other_process) return dropped;
    const std::uint64_t between = cursor == 0 ? dropped : oldest - cursor - 1;
    return between > 0 ? std::optional(between) : std::nullopt;
}

std::vector<api::Event> EventLog::latest(std::size_t limit) const {
    const std::lock_guard lock(mutex_);
    const auto count = static_cast<std::ptrdiff_t>(std::min(limit, events_.size()));
    return {events_.end() - count, events_.end()};
}

std::uint64_t EventLog::last_cursor() const {
    const std::lock_guard lock(mutex_);
    return next_ - 1;
}

}  // namespace mimir::operations
