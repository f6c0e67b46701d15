#include "http/detail/stream.hpp"

#include <poll.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mimir::http::detail {
namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

short poll_now(int descriptor, short events) {
    pollfd entry{.fd = descriptor, .events = events, .revents = 0};
    return ::poll(&entry, 1, 0) == 1 ? entry.revents : short{0};
}

}  // namespace

Stream::Stream(Socket socket, std::size_t progress_bytes_min)
    : socket_(std::move(socket)), progress_bytes_min_(progress_bytes_min) {}

void Stream::allow(std::chrono::milliseconds time) {
    time_ = time;
    bytes_moved_ = 0;
    deadline_.store(std::chrono::steady_clock::now() + time, std::memory_order_relaxed);
}

void Stream::allow_any_time() {
    time_ = std::chrono::milliseconds(0);
    deadline_.store(TimePoint::max(), std::memory_order_relaxed);
}

bool Stream::overdue(TimePoint now) const {
    return now > deadline_.load(std::memory_order_relaxed);
}

void Stream::moved(std::size_t bytes) {
    bytes_moved_ += bytes;
    if (time_.count() > 0 && bytes_moved_ >= progress_bytes_min_) allow(time_);
}

asio::awaitable<Stream::Read> Stream::read_some(asio::mutable_buffer into) {
    auto [error, bytes] = co_await socket_.async_read_some(into, kAwait);
    moved(bytes);
    co_return Read{error, bytes};
}

asio::awaitable<error_code> Stream::write(Pieces pieces) {
    for (std::size_t first = 0; first < pieces.size();) {
        if (pieces[first].empty()) {
            ++first;
            continue;
        }
        std::array<asio::const_buffer, std::tuple_size_v<Pieces>> buffers;
        for (std::size_t i = first; i < pieces.size(); ++i) {
            buffers[i] = asio::const_buffer(pieces[i].data(), pieces[i].size());
        }
        auto [error, bytes] = co_await socket_.async_write_some(buffers, kAwait);
        moved(bytes);
        if (error) co_return error;
        for (std::size_t i = first; i < pieces.size() && bytes > 0; ++i) {
            const std::size_t sent = std::min(bytes, pieces[i].size());
            pieces[i].remove_prefix(sent);
            bytes -= sent;
        }
    }
    co_return error_code();
}

bool Stream::peer_gone() {
    return socket_.is_open() &&
           (poll_now(socket_.native_handle(), POLLRDHUP) & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

bool Stream::readable() {
    return socket_.is_open() && (poll_now(socket_.native_handle(), POLLIN) & POLLIN) != 0;
}

void Stream::shutdown_send() {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::close() {
    error_code ignored;
    socket_.close(ignored);
}

}  // namespace mimir::http::detail
