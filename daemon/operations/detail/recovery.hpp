#pragma once

#include "api/types.hpp"

namespace mimir::operations::detail {

/// How an operation that was pending or running when its process ended is ended by the next one: done when it was
/// committed (the new process runs what it asked for) or is a reload (the new process has read the file), else failed
/// with operation-interrupted (the new process runs its target as if the operation had not been).
api::Operation end_interrupted(api::Operation operation, bool committed, TimestampMs now);

/// Adds a sentence to the operation's note.
void add_note(api::Operation& operation, std::string_view text);

}  // namespace mimir::operations::detail
