#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/headers.hpp"
#include "http/request_context.hpp"
#include "http/url.hpp"

namespace mimir {
namespace asio = boost::asio;
}

namespace mimir::http {

namespace asio = boost::asio;  // handlers of all folders say http::asio::awaitable

enum class Method : std::uint8_t { get, head, post, put, patch, delete_, options, other };
std::string_view to_string(Method method);

/// Who is at the other end.
struct Peer {
    /// "192.0.2.1:4711", or "@" for a unix socket.
    std::string address;
    /// Of the process that connected, as the kernel vouches; unix sockets only.
    struct Credentials {
        std::uint32_t uid;
        std::uint32_t gid;
        std::int32_t pid;
    };
    std::optional<Credentials> credentials;
    /// Common name of its certificate, where the address asks for one and its CA vouches for it.
    std::string certificate_name = {};
};

/// A body that comes piece by piece. Whoever does not read on lets its sender wait.
class BodyReader {
  public:
    virtual ~BodyReader() = default;

    /// Announced length; nothing when only the end will tell.
    [[nodiscard]] virtual std::optional<std::uint64_t> bytes() const = 0;
    /// The next piece; empty at the end. Valid until the next call.
    /// Errors: canceled, when the sender went away or sends too slowly; limit, when the body is too
    /// long; invalid, when it is not HTTP. Threads: any executor, one call at a time.
    virtual asio::awaitable<Result<std::string_view>> read() = 0;
};

/// A request as handlers see it. Owned by the server; a handler may move from it what it keeps.
struct Request {
    RequestContext context;
    Method method = Method::get;
    /// As on the wire: "/api/v1/label/a%2Fb/values?start=1".
    std::string target;
    /// The part before '?', still encoded.
    std::string path;
    /// The part after '?', decoded.
    Parameters query;
    /// What the {name} parts of the route's pattern stand for, decoded.
    Parameters path_parameters;
    Headers headers;
    std::string body;
    /// The body of a request to a route that streams it; null for others. Lives until the response
    /// has been sent; is not read while a piece of the response is written.
    BodyReader* body_reader = nullptr;
    Peer peer;

    /// The form in the body (application/x-www-form-urlencoded) and behind it the query, as Go's
    /// Request.Form. Errors: invalid.
    [[nodiscard]] Result<Parameters> form() const;
};

/// Sends the pieces of a streamed response.
class BodyWriter {
  public:
    virtual ~BodyWriter() = default;

    /// Resumes when the socket has taken the bytes: a slow client slows its handler. The bytes must
    /// live until then. Errors: canceled, when the client went away or read too slowly. Threads:
    /// any executor, one call at a time.
    virtual asio::awaitable<Result<void>> write(std::string_view piece) = 0;
};

struct Response {
    int status = 200;
    /// Content-Length, Transfer-Encoding, Connection and Date are the server's.
    Headers headers;
    std::string body;
    /// When set, it produces the body instead, chunked. If it fails, the connection breaks off, so
    /// that the client knows the body for incomplete.
    std::function<asio::awaitable<Result<void>>(BodyWriter&)> stream;
    /// How long what the stream produces will be, where that is known: it is sent with
    /// Content-Length then, not chunked.
    std::optional<std::uint64_t> stream_bytes;
    /// The stream has no end of its own: its request is canceled as soon as the server drains.
    bool endless = false;

    static Response text(int status, std::string body);
    static Response json(int status, std::string body);
};

/// Name of a status code: "Not Found".
std::string_view reason_phrase(int status);

}  // namespace mimir::http
