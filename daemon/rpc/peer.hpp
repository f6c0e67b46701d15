#pragma once

// Calls to another process: docs/internal-protocol.md. A PeerPool keeps one Peer an address; a Peer
// keeps connections, knows whether the other lives and which protocol versions it speaks, and bounds
// what is under way.

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "http/client.hpp"
#include "http/router.hpp"
#include "rpc/done.hpp"
#include "runtime/executors.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::rpc {

using http::RequestContext;

/// Versions of the internal protocol that this build speaks.
inline constexpr std::uint32_t kProtocolMin = 1;
inline constexpr std::uint32_t kProtocolMax = 1;

/// The versions that a process speaks.
struct ProtocolRange {
    std::uint32_t min = kProtocolMin;
    std::uint32_t max = kProtocolMax;

    bool operator==(const ProtocolRange&) const = default;
};

struct PeerOptions {
    /// Sent with every call; a server of another cluster refuses.
    std::string cluster;
    /// Calls to one peer that may be under way; one more fails at once.
    std::size_t calls_limit = 1000;
    /// Bytes of request bodies to one peer that may be under way; one more call fails at once.
    std::size_t request_bytes_limit = 256 << 20;
    /// Calls that find no free connection wait for one.
    std::size_t connections_limit = 100;
    /// Answers in frames that may be open, each on a connection of its own; one more fails at once.
    std::size_t streams_limit = 1000;
    /// Of an answer, and of each frame of one that comes in frames.
    std::size_t answer_bytes_limit = 100 << 20;
    std::chrono::milliseconds connect_timeout = std::chrono::seconds(2);
    /// A peer of which nothing was heard for so long is asked whether it lives. When it does not
    /// answer in time, all that is under way to it fails.
    std::chrono::milliseconds health_check_interval = std::chrono::seconds(15);
    std::chrono::milliseconds health_check_timeout = std::chrono::seconds(5);
    /// The circuit opens after so many failures in a row to reach the peer; then one call tries, at first after the
    /// shortest time. While tries fail it stays open for as long as the last one took, within these bounds: a host
    /// that refuses costs nothing to try and may be back any moment, one that is silent keeps a call waiting.
    std::uint32_t breaker_failures = 5;
    std::chrono::milliseconds breaker_open_min = std::chrono::milliseconds(100);
    std::chrono::milliseconds breaker_open_max = std::chrono::seconds(2);
    /// A peer that nobody called for so long is forgotten.
    std::chrono::milliseconds forget_after = std::chrono::minutes(10);
    /// For addresses that are no unix sockets; null: no TLS.
    std::shared_ptr<const http::TlsClientContext> tls = {};
    ProtocolRange protocol = {};
};

/// An answer that comes in frames, which are read ahead within a bound. Destroyed early, it hangs up,
/// which cancels the call. The peer's pool may end before it; the event loop may not.
/// Threads: one call at a time.
class FrameStream {
  public:
    virtual ~FrameStream() = default;
    /// The next frame's bytes, empty at the end; valid until the next call.
    /// Errors: those that the server told; unavailable, when the connection broke; canceled, timeout.
    virtual http::asio::awaitable<Result<std::string_view>> next() = 0;
    /// The same for a pool's thread, which it blocks. Bytes that have arrived already cost no switch.
    virtual Result<std::string_view> wait_next() = 0;
    /// The same, kept as long as the caller wants; null at the end.
    virtual Result<std::shared_ptr<const std::string>> wait_take() = 0;
    /// Where it reads ahead: a strand of the event loop, from where next() costs little.
    [[nodiscard]] virtual http::asio::any_io_executor executor() const = 0;
};

/// The id of errors of a call whose peer could not be reached, or went away before all of its answer had come: of
/// unavailable ones it tells these from what a peer answered. It is for who chose the peer. It never crosses to another
/// process, whose caller reached whom it called.
inline constexpr std::string_view kPeerUnreachable = "peer-unreachable";

/// The error for those who did not choose the peer: without that id.
[[nodiscard]] Error without_peer(Error error);

/// Errors of calls: what the other answered, with its kind, id and text; unavailable, with the id above, when it can't be
/// reached or its circuit is open; unavailable, when a bound is reached; canceled and timeout, as the context says;
/// corrupt for what is no answer of this protocol. A call whose connection breaks before any byte of
/// an answer came may be sent twice: what is called must bear that.
/// Threads: any.
class Peer {
  public:
    virtual ~Peer() = default;

    /// Calls "/internal/v1/<call>" with a protobuf message; gives the answer's body. The body lives
    /// until `done` is told: on the event loop, or, when nothing is sent, before this returns.
    virtual void call(
        const RequestContext& context,
        std::string_view call,
        std::shared_ptr<const std::string> body,
        http::Headers headers,
        Done<std::string> done
    ) = 0;
    /// The same, awaited. Cancelling the task that awaits it cancels the call.
    http::asio::awaitable<Result<std::string>> call(
        RequestContext context, std::string call, std::string body, http::Headers headers
    );
    /// An answer in frames; `done` is told once its first frame has come, or its end.
    virtual void open(
        const RequestContext& context,
        std::string_view call,
        std::shared_ptr<const std::string> body,
        http::Headers headers,
        Done<std::unique_ptr<FrameStream>> done
    ) = 0;

    [[nodiscard]] virtual const std::string& address() const = 0;
    /// Why it should not be asked now; nothing when it is well.
    [[nodiscard]] virtual Result<void> state() const = 0;
};

/// Threads: any.
class PeerPool {
  public:
    struct Environment {
        runtime::IoThreads& io;
        telemetry::Logger log;
        telemetry::Registry& registry;
        const Clock& clock = system_clock();
    };

    PeerPool(PeerOptions options, Environment environment);
    /// Cancels what is under way and waits for it.
    ~PeerPool();
    PeerPool(const PeerPool&) = delete;
    PeerPool& operator=(const PeerPool&) = delete;

    /// "unix:///path" or "host:port". Never null: a malformed address gives a peer that fails.
    [[nodiscard]] std::shared_ptr<Peer> at(std::string_view address);

    class Impl;

  private:
    std::unique_ptr<Impl> impl_;
};

/// Writes the frames of an answer. Frames are to be well below PeerOptions::answer_bytes_limit.
class FrameWriter {
  public:
    virtual ~FrameWriter() = default;
    /// A small frame that waits for others: it goes out with the next write, or with the end.
    virtual void add(std::string_view frame) = 0;
    /// Resumes when the socket has taken the frame. Errors: canceled, when the caller hung up.
    virtual http::asio::awaitable<Result<void>> write(std::string_view frame) = 0;
    /// The same for a pool's thread, which it blocks.
    virtual Result<void> wait_write(std::string_view frame) = 0;
};

/// What an internal route is registered with.
struct InternalRoutes {
    http::Router& router;
    /// Calls of other clusters are refused.
    std::string cluster;
    /// Who answers, and its release, for hello.
    std::string instance = {};
    std::string version = {};
    ProtocolRange protocol = {};
};

using CallHandler = std::function<http::asio::awaitable<Result<std::string>>(http::Request&)>;
using FrameHandler =
    std::function<http::asio::awaitable<Result<void>>(http::Request&, FrameWriter&)>;

/// GET /internal/v1/hello: who is here, and what it speaks. Peers ask it before and beside their calls: each
/// process that has internal routes has this one, once.
[[nodiscard]] http::RouteRegistration add_hello(const InternalRoutes& routes);

/// POST /internal/v1/<call>, on internal listeners only. The handler finds tenant (when the call names one), deadline and
/// cancellation in the request's context; its error crosses as it is. A call may come twice, see Peer.
[[nodiscard]] http::RouteRegistration add_call(
    const InternalRoutes& routes,
    std::string_view call,
    std::string module,
    std::size_t body_bytes_limit,
    CallHandler handler
);
[[nodiscard]] http::RouteRegistration add_frames(
    const InternalRoutes& routes,
    std::string_view call,
    std::string module,
    std::size_t body_bytes_limit,
    FrameHandler handler
);

}  // namespace mimir::rpc
