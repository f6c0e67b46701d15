#pragma once

// The HTTP/1.1 server: connections in, requests to the router's handlers, responses out. Each
// connection is one coroutine on a strand of the event loop; a tick for all of them enforces
// time-outs and minimum progress, and notices clients that go away while their request runs.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"
#include "http/router.hpp"
#include "http/tls.hpp"
#include "runtime/executors.hpp"

namespace mimir::http {

struct TcpAddress {
    /// A name or a number; empty for every address of the machine.
    std::string host;
    /// 0: the system picks one, see Server::addresses().
    std::uint16_t port = 0;
    /// When set, clients must speak TLS.
    std::shared_ptr<const TlsServerContext> tls = {};
};

struct UnixAddress {
    std::string path;
    /// Of the socket file, when listening.
    std::uint32_t mode = 0660;
    /// Group's name; empty leaves the process' own.
    std::string group;
};

/// A socket that already listens: from systemd, or handed over by another process. The server
/// closes it.
struct InheritedSocket {
    int descriptor = -1;
};

using ListenAddress = std::variant<TcpAddress, UnixAddress, InheritedSocket>;

struct ServerOptions {
    std::vector<ListenAddress> listen;
    /// Routes for other processes of ours are served, too. Its addresses are for them alone.
    bool serves_internal = false;

    std::size_t header_bytes_limit = 64 << 10;
    /// 0: no limit. One more connection is answered with 503 and Retry-After, unread, and closed.
    std::size_t connections_limit = 0;
    /// At that limit a new connection takes the place of the one that waits for a request, or for the rest of its head,
    /// longest, if one does: clients that say nothing do not keep others out.
    bool replaces_waiting = false;

    /// Between requests.
    std::chrono::milliseconds idle_timeout{120'000};
    /// Of a TLS handshake; from the first byte of a request to the end of its head, and, counted anew, of its body...
    std::chrono::milliseconds read_timeout{30'000};
    /// ... and of a response. Each begins anew whenever progress_bytes_min bytes have moved, so that a large body may take
    /// long, but a client that trickles may not.
    std::chrono::milliseconds write_timeout{120'000};
    std::size_t progress_bytes_min = 64 << 10;

    /// Bodies from this size on are compressed for clients that accept gzip. Big ones on the
    /// compression pool.
    std::size_t gzip_bytes_min = 1024;
};

/// What a server runs on. The admin API's server has an event loop and a pool of its own, and
/// answers while others are saturated.
struct ServerThreads {
    /// Sockets, timers, and the handlers until they move elsewhere.
    runtime::IoThreads& io;
    /// For response bodies that are too big to be compressed on the event loop.
    runtime::Pool& compression;
};

/// What is known of a request when it has ended, for metrics and logs. Views are valid during the
/// call.
struct RequestSummary {
    Method method;
    std::string_view target;
    /// The route's pattern as Mimir labels it ("api_v1_push"); "other" when no route matched.
    std::string_view route;
    int status;
    std::chrono::nanoseconds duration;
    std::size_t request_bytes;
    std::size_t response_bytes;
    const RequestContext& context;
    const Peer& peer;
};

/// Told of every request. Runs on the event loop: it must be quick.
/// Threads: any, concurrently.
class RequestObserver {
  public:
    virtual ~RequestObserver() = default;
    virtual void request_started(Method method, std::string_view route) = 0;
    virtual void request_finished(const RequestSummary& summary) = 0;
    /// A client that came no further than the TLS handshake; its connection is closed.
    virtual void handshake_failed(const Peer& /*peer*/, const Error& /*why*/) {}
};

class Server {
  public:
    /// Binds and listens; connections are accepted from now on. Removes a stale unix socket (one
    /// that refuses connections). All references must outlive the server; `observer` may be null.
    /// Errors: conflict, when an address is in use; invalid, when it cannot be resolved; internal.
    static Result<std::unique_ptr<Server>> start(
        ServerThreads threads,
        const Router& router,
        ServerOptions options,
        RequestObserver* observer = nullptr
    );
    /// stop() without grace.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Accepts no more connections, closes idle ones, answers what is in flight with "Connection:
    /// close"; after `grace` cancels and closes the rest. Blocks until no connection is left.
    /// Idempotent. Threads: any but the event loop's.
    void stop(std::chrono::milliseconds grace);

    /// Where it listens, in the order of the options, with the ports that the system picked.
    [[nodiscard]] const std::vector<ListenAddress>& addresses() const;
    /// The port of the first TCP address; 0 when there is none.
    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] std::size_t connections() const;

  private:
    class Impl;
    explicit Server(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mimir::http
