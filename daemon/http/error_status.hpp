#pragma once

#include <string_view>

#include "base/error.hpp"

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

}  // namespace mimir::http
