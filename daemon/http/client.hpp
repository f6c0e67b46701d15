#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/cancellation.hpp"
#include "base/result.hpp"
#include "http/message.hpp"
#include "http/tls.hpp"
#include "runtime/executors.hpp"

namespace mimir::http {

/// Where a client connects: "http://host:8080", "https://host:8443", "host:8080",
/// "unix:///run/mimird/admin.sock" or "/run/...".
struct Endpoint {
    std::string host;
    std::uint16_t port = 0;
    /// When set, host and port are unused.
    std::string unix_path;
    /// "https://".
    bool tls = false;

    /// Errors: invalid.
    static Result<Endpoint> parse(std::string_view text);
    /// A unix socket, also at a path that is relative to the working folder.
    /// Errors: invalid, when the path is longer than the kernel takes.
    static Result<Endpoint> at_path(std::string path);
    [[nodiscard]] std::string to_string() const;
    /// Host and port, as in the Host header; "localhost" for a unix socket.
    [[nodiscard]] std::string authority() const;
};

struct ClientOptions {
    std::size_t idle_connections_limit = 16;
    /// Shorter than the server's, so that a request seldom meets a connection that is just being
    /// closed.
    std::chrono::milliseconds idle_timeout{60'000};
    /// Of connecting, and again of the TLS handshake.
    std::chrono::milliseconds connect_timeout{5'000};
    /// Of one response, in memory; streamed ones have none.
    std::size_t response_bytes_limit = 256 << 20;
    /// Longest time in which nothing moves while it is the other end's turn: to take the request, to
    /// begin its answer, to send the next piece. 0: any time that the token grants.
    std::chrono::milliseconds stall_timeout{0};
    /// For https endpoints; null trusts the system's CAs.
    std::shared_ptr<const TlsClientContext> tls = {};
};

struct ClientRequest {
    Method method = Method::get;
    /// Path and query, encoded.
    std::string target;
    /// Host and Content-Length are the client's.
    Headers headers;
    std::string body;
    /// When set, it is the body: for one that several requests share.
    std::shared_ptr<const std::string> shared_body = {};
    /// Doing it twice is doing it once, although it is a POST.
    bool repeatable = false;
    /// When set, it produces the body instead, as fast as the other end takes it, and outlives the
    /// call; its errors are the call's. When the answer begins before its end, it is read no
    /// further.
    BodyReader* body_reader = nullptr;
    /// When set: becomes true before the first byte of the request may reach the other end. Outlives
    /// the call.
    bool* begun = nullptr;
};

struct ClientResponse {
    int status = 0;
    Headers headers;
    std::string body;
};

/// A response whose body is read piece by piece. Destroyed early, it closes its connection.
class ClientStream {
  public:
    virtual ~ClientStream() = default;
    [[nodiscard]] virtual int status() const = 0;
    [[nodiscard]] virtual const Headers& headers() const = 0;
    /// The next piece; empty at the end of the body. Valid until the next call.
    /// Errors: unavailable, when the connection broke; canceled and timeout, as the request's token
    /// says.
    virtual asio::awaitable<Result<std::string_view>> read() = 0;
    /// The strand on which it reads: from there, read() costs no switch.
    [[nodiscard]] virtual asio::any_io_executor executor() const = 0;
};

/// Talks to one endpoint and keeps connections to it.
/// A request that finds its kept connection closed before any byte of an answer is sent once more
/// on a new one, if that has the effect of sending it once, and its body_reader has not been read.
/// Errors of every call: invalid (control characters in target or headers: nothing was
/// sent), unavailable (not reachable, not to be trusted, connection broke), corrupt (not HTTP),
/// limit (answer too big); canceled and timeout, as the token says, and timeout after a stall. An answer with any status is not
/// an error. Threads: any. Destroy it when no call is under way.
class Client {
  public:
    Client(runtime::IoThreads& io, Endpoint endpoint, ClientOptions options = {});
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    asio::awaitable<Result<ClientResponse>> send(ClientRequest request, CancellationToken token);
    asio::awaitable<Result<std::unique_ptr<ClientStream>>> open(
        ClientRequest request, CancellationToken token
    );
    /// The same for who awaits nothing: `done` is told on the event loop.
    void send(
        ClientRequest request,
        CancellationToken token,
        std::function<void(Result<ClientResponse>)> done
    );
    /// Here on the stream's strand.
    void open(
        ClientRequest request,
        CancellationToken token,
        std::function<void(Result<std::unique_ptr<ClientStream>>)> done
    );
    [[nodiscard]] const Endpoint& endpoint() const;

    class Impl;

  private:
    std::shared_ptr<Impl> impl_;
};

/// The same for programs without an event loop of their own: mimirctl, the load generator, tests.
/// Threads: any; each call blocks.
class BlockingClient {
  public:
    explicit BlockingClient(Endpoint endpoint, ClientOptions options = {});
    ~BlockingClient();

    Result<ClientResponse> send(
        ClientRequest request, CancellationToken token = CancellationToken::create()
    );
    /// Hands each piece of the body to on_piece until it returns false; the response's own body
    /// stays empty. An answer that is no success (2xx) is not streamed: its body is in the response.
    Result<ClientResponse> stream(
        ClientRequest request,
        const std::function<bool(std::string_view)>& on_piece,
        CancellationToken token = CancellationToken::create()
    );

  private:
    runtime::IoThreads io_;
    Client client_;
};

}  // namespace mimir::http
