#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/message.hpp"

namespace mimir::http {

using Handler = std::function<asio::awaitable<Response>(Request&)>;

/// Whose path it is, for clients.
struct PathOwner {
    /// Of the route that serves it, or that it is reserved for; empty when it is nobody's.
    std::string module;
    /// The pattern as Mimir labels it: "api_v1_push"; empty when it is nobody's.
    std::string label;
    /// This process has a handler for it now.
    bool served = false;
};

/// Stands before a router: sees each request of a client before it is routed, and may refuse it,
/// change its headers, or serve it itself.
/// Threads: any, concurrently; it runs on the event loop, so it must be quick.
class Front {
  public:
    virtual ~Front() = default;

    /// Stays with a request until its answer has been sent, or cannot be. May outlive the front.
    class Passage {
      public:
        virtual ~Passage() = default;
        virtual void finished(int status) = 0;
    };

    /// How a request goes on: as the router says, unless it is answered or has another handler.
    struct Verdict {
        std::optional<Response> answer = {};
        /// Gets the body as Request::body_reader.
        Handler handler = {};
        std::shared_ptr<Passage> passage = {};
    };

    /// Only the head of the request has come. Changed headers are what the handler gets.
    virtual Verdict examine(Request& request, const PathOwner& owner) = 0;
};

}  // namespace mimir::http
