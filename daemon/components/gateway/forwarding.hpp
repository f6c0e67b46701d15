#pragma once

// What changes between a request that comes in and the one that goes on, and between their answers.

#include <cstdint>
#include <optional>
#include <string>

#include "http/headers.hpp"
#include "http/message.hpp"

namespace mimir::gateway {

/// Path and query as they came, without what a proxy puts before them.
std::string forwarded_target(const http::Request& request);

/// Without what is between two neighbours only (Connection and what it names, Transfer-Encoding, ...),
/// what is the client's own business (Host, Content-Length), and what processes of ours say to each
/// other (X-Mimird-...); with X-Forwarded-For continued.
http::Headers forwarded_headers(const http::Request& request);

/// The same for an answer.
http::Headers answered_headers(const http::Headers& headers);

/// Nothing when there is no Content-Length, or none that is a number.
std::optional<std::uint64_t> content_length(const http::Headers& headers);

/// True when the client wants to speak something else than HTTP/1.1 and cannot go on without.
bool wants_upgrade(const http::Request& request);

/// True for /internal/..., however it is written: a route of another process that is not for clients.
bool is_internal(std::string_view path);

}  // namespace mimir::gateway
