#pragma once

#include "components/query_frontend/query_frontend.hpp"
#include "http/message.hpp"

namespace mimir::query_frontend {

/// Answers a remote-read request with samples or, streamed, with chunks: the first of the types that the client accepts.
http::asio::awaitable<http::Response> answer_remote_read(
    QueryFrontend& frontend, http::Request& request
);

}  // namespace mimir::query_frontend
