#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/cancellation.hpp"
#include "base/result.hpp"
#include "http/client.hpp"
#include "http/detail/stream.hpp"

namespace mimir::http::detail {

/// A connected socket. Runs on a strand.
/// Errors: unavailable, when nobody answers in time; canceled and timeout, as the token says.
asio::awaitable<Result<Stream::Socket>> connect(
    const Endpoint& endpoint, std::chrono::milliseconds timeout, CancellationToken token
);

}  // namespace mimir::http::detail
