#include "http/detail/message_reader.hpp"

#include <algorithm>
#include <boost/asio/error.hpp>

namespace mimir::http::detail {
namespace {

/// One read: enough for any usual head. Beast would read 512 bytes at a time from an empty buffer.
constexpr std::size_t kReadBytes = 16 << 10;
/// One read where bytes come faster than they are read: each costs two system calls, a timer and a switch.
constexpr std::size_t kReadBytesMax = 256 << 10;
/// A body's memory is taken as its bytes come, not as its head promises.
constexpr std::size_t kBodyStepBytes = 1 << 20;

Error broken(const error_code& error) {
    return {ErrorKind::unavailable, {}, "the connection broke: " + error.message()};
}

Error to_error(const error_code& error) {
    using beast::http::error;
    const bool limit = error == error::header_limit || error == error::body_limit;
    return {limit ? ErrorKind::limit : ErrorKind::invalid, {}, error.message()};
}

}  // namespace

template <bool is_request>
MessageReader<is_request>::MessageReader(Stream& stream, std::size_t header_bytes_limit)
    : stream_(stream),
      header_bytes_limit_(header_bytes_limit),
      buffer_(header_bytes_limit + kReadBytes + kReadBytesMax) {}

template <bool is_request>
asio::awaitable<Stream::Read> MessageReader<is_request>::fill() {
    const std::size_t room = buffer_.capacity() - buffer_.size();
    const std::size_t asked = std::clamp(room, kReadBytes, kReadBytesMax);
    const auto read = co_await stream_.read_some(buffer_.prepare(asked));
    buffer_.commit(read.bytes);
    if (read.bytes == asked) buffer_.reserve(std::min(2 * asked, kReadBytesMax));
    co_return read;
}

template <bool is_request>
Result<void> MessageReader<is_request>::parse() {
    error_code error;
    buffer_.consume(parser_->put(buffer_.data(), error));
    if (error && error != beast::http::error::need_more) {
        return tl::unexpected(to_error(error));
    }
    return {};
}

template <bool is_request>
asio::awaitable<bool> MessageReader<is_request>::wait() {
    if (buffer_.size() > 0) co_return true;
    // Many connections wait, and long: none with the memory of a long body.
    if (buffer_.capacity() > kReadBytes) buffer_.shrink_to_fit();
    const auto read = co_await fill();
    co_return !read.error;
}

template <bool is_request>
asio::awaitable<Result<void>> MessageReader<is_request>::read_head(Head& head) {
    complete_ = false;
    parser_.emplace(head, static_cast<std::uint32_t>(header_bytes_limit_));
    parser_->skip(no_body_);
    no_body_ = false;
    for (;;) {
        if (buffer_.size() > 0) MIMIR_CO_TRY(parse());
        if (parser_->is_header_done()) co_return Result<void>();
        const auto read = co_await fill();
        if (read.error) co_return tl::unexpected(broken(read.error));
    }
}

template <bool is_request>
bool MessageReader<is_request>::done() const {
    return complete_ || parser_->is_done();
}

template <bool is_request>
std::optional<std::uint64_t> MessageReader<is_request>::body_bytes() const {
    if (parser_->is_done()) return 0;
    const auto length = parser_->content_length();
    return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
}

template <bool is_request>
Result<void> MessageReader<is_request>::check_announced(std::uint64_t bytes_limit) const {
    const auto announced = body_bytes();
    if (!announced || *announced <= bytes_limit) return {};
    return fail(
        ErrorKind::limit, "body of {} bytes, over the limit of {}", *announced, bytes_limit
    );
}

template <bool is_request>
asio::awaitable<Result<void>> MessageReader<is_request>::read_body(
    std::string& body, std::uint64_t bytes_limit
) {
    MIMIR_CO_TRY(check_announced(bytes_limit));
    if (const auto announced = body_bytes())
        co_return co_await read_body_directly(body, *announced);
    while (!done()) MIMIR_CO_TRY(co_await read_body_some(body, bytes_limit));
    co_return Result<void>();
}

/// Past parser and buffer, straight to where the bytes stay.
template <bool is_request>
asio::awaitable<Result<void>> MessageReader<is_request>::read_body_directly(
    std::string& body, std::size_t bytes
) {
    const std::size_t buffered = std::min(bytes, buffer_.size());
    body.reserve(std::min(bytes, kBodyStepBytes));
    body.append(static_cast<const char*>(buffer_.data().data()), buffered);
    buffer_.consume(buffered);
    for (std::size_t have = buffered; have < bytes;) {
        if (have == body.size()) body.resize(std::min(bytes, std::max(kBodyStepBytes, 2 * have)));
        const auto read = co_await stream_.read_some({body.data() + have, body.size() - have});
        if (read.error) co_return tl::unexpected(broken(read.error));
        have += read.bytes;
    }
    complete_ = true;
    co_return Result<void>();
}

template <bool is_request>
asio::awaitable<Result<void>> MessageReader<is_request>::read_body_some(
    std::string& body, std::uint64_t bytes_limit
) {
    parser_->eager(true);
    parser_->body_to(body, bytes_limit);
    const std::size_t bytes_before = body.size();
    while (!parser_->is_done() && body.size() == bytes_before) {
        if (buffer_.size() > 0) {
            MIMIR_CO_TRY(parse());
            if (parser_->is_done() || body.size() > bytes_before) break;
        }
        const auto read = co_await fill();
        if (read.error == asio::error::eof && parser_->need_eof()) {
            error_code ignored;
            parser_->put_eof(ignored);
        } else if (read.error) {
            co_return tl::unexpected(broken(read.error));
        }
    }
    co_return Result<void>();
}

template class MessageReader<true>;
template class MessageReader<false>;

}  // namespace mimir::http::detail
