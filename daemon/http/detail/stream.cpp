#include "http/detail/stream.hpp"

#include <poll.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mimir::http::detail {
namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

/// What TLS encrypts as one piece: as many bytes, head and body together, are one packet or few.
constexpr std::size_t kTlsRecordBytes = 16 << 10;
/// Then others on this thread get their turn: a fast peer's bytes may never have to be waited for.
constexpr std::size_t kTlsStepsInARow = 16;

short poll_now(int descriptor, short events) {
    pollfd entry{.fd = descriptor, .events = events, .revents = 0};
    return ::poll(&entry, 1, 0) == 1 ? entry.revents : short{0};
}

}  // namespace

Stream::Stream(Socket socket, std::unique_ptr<TlsSession> tls, std::size_t progress_bytes_min)
    : socket_(std::move(socket)), tls_(std::move(tls)), progress_bytes_min_(progress_bytes_min) {}

Stream::~Stream() { close(); }

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

/// Does a step of TLS until it needs the socket no more.
template <class Operation>
asio::awaitable<Stream::Read> Stream::repeat(Operation operation) {
    for (;;) {
        if (++steps_in_a_row_ > kTlsStepsInARow) {
            steps_in_a_row_ = 0;
            co_await asio::post(asio::use_awaitable);
        }
        const TlsSession::Step step = operation(*tls_);
        if (step.wait == TlsSession::Wait::nothing) {
            moved(step.bytes);
            co_return Read{step.error, step.bytes};
        }
        const auto ready =
            step.wait == TlsSession::Wait::readable ? Socket::wait_read : Socket::wait_write;
        steps_in_a_row_ = 0;
        auto [error] = co_await socket_.async_wait(ready, kAwait);
        if (error) co_return Read{error, 0};
    }
}

asio::awaitable<error_code> Stream::handshake() {
    const auto operation = [](TlsSession& tls) { return tls.handshake(); };
    const Read done = co_await repeat(operation);
    co_return done.error;
}

asio::awaitable<Stream::Read> Stream::read_some(asio::mutable_buffer into) {
    if (tls_) {
        const auto operation = [into](TlsSession& tls) {
            return tls.read(into.data(), into.size());
        };
        co_return co_await repeat(operation);
    }
    auto [error, bytes] = co_await socket_.async_read_some(into, kAwait);
    moved(bytes);
    co_return Read{error, bytes};
}

asio::awaitable<error_code> Stream::write(Pieces pieces) {
    return tls_ ? write_tls(pieces) : write_plain(pieces);
}

asio::awaitable<error_code> Stream::write_tls(Pieces pieces) {
    std::string together;
    for (const std::string_view piece : pieces) {
        if (together.size() + piece.size() <= kTlsRecordBytes) {
            together += piece;
            continue;
        }
        if (const auto error = co_await write_tls(together)) co_return error;
        if (const auto error = co_await write_tls(piece)) co_return error;
        together.clear();
    }
    co_return co_await write_tls(together);
}

asio::awaitable<error_code> Stream::write_tls(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto operation = [bytes](TlsSession& tls) { return tls.write(bytes); };
        const Read written = co_await repeat(operation);
        if (written.error) co_return written.error;
        bytes.remove_prefix(written.bytes);
    }
    co_return error_code();
}

asio::awaitable<error_code> Stream::write_plain(Pieces pieces) {
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
    if (!socket_.is_open()) return false;
    const bool socket_readable = (poll_now(socket_.native_handle(), POLLIN) & POLLIN) != 0;
    return tls_ ? tls_->readable(socket_readable) : socket_readable;
}

void Stream::shutdown_send() {
    if (tls_) tls_->close_notify();
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::close() {
    if (tls_) tls_->close();
    error_code ignored;
    socket_.close(ignored);
}

}  // namespace mimir::http::detail
