#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "http/message.hpp"
#include "http/method_set.hpp"

namespace mimir::http {

/// Why a request is answered by router or server, and not by a handler.
struct Refusal {
    /// 400 unreadable, 404 no such path, 405 no such method, 413 body too large, 431 head too
    /// large, 500 the handler threw, 503 the module does not run or there are too many connections.
    int status = 404;
    /// Whose route it is; empty when it is nobody's, or not known yet.
    std::string module = {};
    /// For a person, without a line's end.
    std::string message = {};
    /// With 405: the methods that the path has. The server sends them as Allow...
    MethodSet allow = {};
    /// ... and this as Retry-After.
    std::optional<std::chrono::seconds> retry_after = {};
};

/// Puts a refusal into the words of an API. Of an unreadable request, only the peer is known.
/// Threads: any; runs on the event loop, so it must be quick.
using RefusalWording = std::function<Response(const Refusal& refusal, const Request& request)>;

/// The words of the public API: as Prometheus' API reports errors, when the request's Accept has
/// application/json; the message as text otherwise.
Response word_refusal(const Refusal& refusal, const Request& request);

}  // namespace mimir::http
