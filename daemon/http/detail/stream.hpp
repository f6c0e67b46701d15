#pragma once

#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <memory>
#include <string_view>

#include "http/detail/tls_session.hpp"

namespace mimir {
namespace asio = boost::asio;
}

namespace mimir::http::detail {

/// A connected socket, TCP or unix, with or without TLS, whose owner gives it time to move bytes.
/// Whoever watches it closes it when it is overdue, which ends the operation under way.
/// Threads: its strand; overdue() from any.
class Stream {
  public:
    using Socket = asio::generic::stream_protocol::socket;
    using TimePoint = std::chrono::steady_clock::time_point;
    using Pieces = std::array<std::string_view, 3>;

    struct Read {
        error_code error;
        std::size_t bytes;
    };

    /// `tls`: null for none; it is over this socket.
    Stream(Socket socket, std::unique_ptr<TlsSession> tls, std::size_t progress_bytes_min);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    /// With TLS: to be awaited before anything is read or written.
    asio::awaitable<error_code> handshake();
    /// Null without TLS.
    [[nodiscard]] const TlsSession* tls() const { return tls_.get(); }
    [[nodiscard]] int descriptor() { return socket_.native_handle(); }

    /// From now on it has this long, and another second for each progress_bytes_min bytes that it
    /// moves.
    void allow(std::chrono::milliseconds time);
    void allow_any_time();
    [[nodiscard]] bool overdue(TimePoint now) const;

    asio::awaitable<Read> read_some(asio::mutable_buffer into);
    /// All of the pieces, or an error.
    asio::awaitable<error_code> write(Pieces pieces);

    /// True when the peer has closed its end.
    [[nodiscard]] bool peer_gone();
    /// True when bytes wait to be read.
    [[nodiscard]] bool readable();
    /// Says that nothing more will be sent.
    void shutdown_send();
    void close();

  private:
    void moved(std::size_t bytes);
    asio::awaitable<error_code> write_plain(Pieces pieces);
    asio::awaitable<error_code> write_tls(Pieces pieces);
    asio::awaitable<error_code> write_tls(std::string_view bytes);
    template <class Operation>
    asio::awaitable<Read> repeat(Operation operation);

    Socket socket_;
    const std::unique_ptr<TlsSession> tls_;
    std::size_t steps_in_a_row_ = 0;  // of TLS, without having waited
    const std::size_t progress_bytes_min_;
    std::chrono::milliseconds time_{0};  // 0: any
    std::size_t bytes_moved_ = 0;        // since the deadline was set
    std::atomic<TimePoint> deadline_ = TimePoint::max();
};

}  // namespace mimir::http::detail
