#pragma once

#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <string_view>

namespace mimir {
namespace asio = boost::asio;
}

namespace mimir::http::detail {

using boost::system::error_code;

/// A connected socket, TCP or unix, whose owner gives it time to move bytes. Whoever watches it
/// closes it when it is overdue, which ends the operation under way. (TLS would live here.)
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

    Stream(Socket socket, std::size_t progress_bytes_min);

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

    Socket socket_;
    const std::size_t progress_bytes_min_;
    std::chrono::milliseconds time_{0};  // 0: any
    std::size_t bytes_moved_ = 0;        // since the deadline was set
    std::atomic<TimePoint> deadline_ = TimePoint::max();
};

}  // namespace mimir::http::detail
