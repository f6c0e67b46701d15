#pragma once

// The system's journal (systemd-journald), as the logger writes to it.

#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/log.hpp"

namespace mimir::telemetry {

struct JournalEntry {
    LogLevel level;
    /// What people read.
    std::string_view line;
    std::string_view component;
    std::string_view msg;
    Fields fields;
    std::source_location where;
};

/// NAME=value of each of the entry's fields, MESSAGE first.
std::vector<std::string> journal_fields(const JournalEntry& entry);

/// Lost when there is no journal that takes it: a log line is no reason to fail. Threads: any.
void send_to_journal(const JournalEntry& entry);

/// Whether this process' standard error ends in the journal, as that of a systemd unit does: $JOURNAL_STREAM says so,
/// and standard error was not redirected since.
bool stderr_is_journal();

}  // namespace mimir::telemetry
