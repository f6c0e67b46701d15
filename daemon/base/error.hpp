#pragma once

#include <string>
#include <string_view>

namespace mimir {

/// What the caller can do about an error. One table (http/error_status) maps it to HTTP status and errorType.
enum class ErrorKind {
    invalid,      ///< The request or the input is wrong; repeating it is of no use.
    not_found,    ///< What was named does not exist.
    conflict,     ///< Contradicts what is stored: a revision, a duplicate, an order.
    limit,        ///< A configured limit was reached; the message names it.
    unavailable,  ///< Not now: stopped, starting, overloaded, disk full. A later try may succeed.
    timeout,      ///< The deadline passed.
    canceled,     ///< The caller went away or asked to stop.
    corrupt,      ///< Stored or received bytes contradict their own checksum or format.
    internal,     ///< Our mistake, or a failure of the system below us.
};

std::string_view to_string(ErrorKind kind);

struct Error {
    ErrorKind kind = ErrorKind::internal;
    /// Stable and user-facing ("max-series-per-user", shown as err-mimir-...); empty when only kind matters.
    /// Points to static storage.
    std::string_view id;
    /// For a person: what failed, with the values.
    std::string message;

    /// The same error, its message preceded by what was being done: "replaying segment 00000012: ...".
    [[nodiscard]] Error with_context(std::string_view doing) const;
};

}  // namespace mimir
