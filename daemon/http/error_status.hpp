#pragma once

#include <chrono>
#include <string_view>

#include "base/error.hpp"
#include "http/message.hpp"

namespace mimir::http {

/// What a kind of error is over HTTP.
struct ErrorStatus {
    int status;
    /// errorType of Prometheus' API.
    std::string_view error_type;
};

/// The one table. A handler whose protocol wants another code for some id says so next to its own
/// routes.
ErrorStatus error_status(ErrorKind kind);

/// What a client is asked to wait for something that does not run now. A module that is being restarted is there again
/// by then.
inline constexpr std::chrono::seconds kRetryAfter(5);

/// Sets Retry-After when a kind of error is likely to pass: something is unavailable.
void advise_retry(ErrorKind kind, Response& response);

}  // namespace mimir::http
