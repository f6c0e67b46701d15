#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/strand.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "http/detail/message_reader.hpp"
#include "http/detail/stream.hpp"
#include "http/message.hpp"
#include "http/router.hpp"
#include "http/server.hpp"

namespace mimir::http::detail {

using Strand = asio::strand<asio::any_io_executor>;

/// What the connections of one server share.
struct ServerContext {
    const ServerThreads threads;
    const Router& router;
    const ServerOptions options;
    RequestObserver* const observer;
    std::atomic<bool> draining = false;

    [[nodiscard]] Audience audience() const {
        return options.serves_internal ? Audience::processes : Audience::clients;
    }
};

/// One client's connection: its requests one after the other.
/// Threads: the strand, except where it says otherwise.
class Connection {
  public:
    using TimePoint = Stream::TimePoint;

    /// `tls`: null for none; it is over `socket`.
    Connection(
        ServerContext& server,
        Strand strand,
        Stream::Socket socket,
        std::unique_ptr<TlsSession> tls,
        Peer peer
    );

    /// Until either side closes.
    asio::awaitable<void> serve();

    /// True when look() has something to do. Threads: any.
    [[nodiscard]] bool needs_look(TimePoint now) const;
    /// Closes what is overdue; cancels the request whose client went away.
    void look();
    /// Ends after the request that is under way or has just arrived.
    void drain();
    /// Ends if it still waits for a request.
    void make_room();
    /// Since when it waits for a request, or for the rest of its head; max() while it does not.
    /// Threads: any.
    [[nodiscard]] TimePoint waiting_since() const { return waiting_since_; }
    /// It is about to make room: as if it did not wait, until it waits anew. Threads: any.
    void forget_waiting() { waiting_since_ = TimePoint::max(); }
    /// Cancels and closes.
    void abort();

    [[nodiscard]] const Strand& strand() const { return strand_; }

  private:
    class ReceivedBody;
    class StreamedBody;
    struct Exchange;

    asio::awaitable<bool> handshake();
    asio::awaitable<bool> serve_one();
    asio::awaitable<bool> respond(Exchange& exchange);
    void find_handler(Exchange& exchange);
    bool ask_front(Exchange& exchange);
    asio::awaitable<void> handle_streaming(
        Exchange& exchange, const Route& route, const Handler& handler
    );
    void refuse_body(Exchange& exchange, const Error& error, const Route& route);
    asio::awaitable<Result<void>> receive_body(Exchange& exchange, std::size_t bytes_limit);
    [[nodiscard]] bool waits_for_continue(const Request& request) const;
    asio::awaitable<Result<void>> say_continue();
    asio::awaitable<Response> call_handler(
        const Route& route, const Handler& handler, Request& request
    );
    asio::awaitable<void> compress(const Request& request, Response& response);
    asio::awaitable<bool> send(Exchange& exchange);
    asio::awaitable<bool> send_streamed(Exchange& exchange);
    asio::awaitable<void> refuse(const Error& error, const Request& request);
    asio::awaitable<void> linger();
    [[nodiscard]] std::string speak_tls() const;

    ServerContext& server_;
    const Strand strand_;
    const asio::any_io_executor executor_ = strand_;
    Stream stream_;
    RequestReader reader_;
    Peer peer_;

    void set_waiting(bool waiting);

    CancellationToken token_;  // of the request under way
    bool idle_ = false;        // nothing of a request has come
    bool endless_ = false;     // the response under way ends only when it is told to
    bool waiting_ = false;     // the whole of a head has not
    std::atomic<TimePoint> waiting_since_ = TimePoint::max();
    std::atomic<bool> handling_ = false;
    /// How a piece of a streamed response is on its way.
    enum class Sending : std::uint8_t { nothing, piece, hurried } sending_ = Sending::nothing;
};

}  // namespace mimir::http::detail
