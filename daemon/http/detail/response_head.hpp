#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "http/message.hpp"

namespace mimir::http::detail {

struct ResponseFraming {
    /// Nothing: chunked for HTTP/1.1, until the connection ends for HTTP/1.0.
    std::optional<std::uint64_t> body_bytes;
    int version = 11;
    bool keep_alive = true;
};

/// Status line and headers, with the empty line behind them.
std::string response_head(const Response& response, const ResponseFraming& framing);

/// The whole of a response after which the connection ends.
std::string last_response(const Response& response);

/// True for responses that never have a body: 1xx, 204, 304.
bool is_bodyless(int status);

/// True when the request's Accept-Encoding has gzip, and not with q=0.
bool accepts_gzip(const Headers& headers);

}  // namespace mimir::http::detail
