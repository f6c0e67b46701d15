#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "http/detail/message_parser.hpp"
#include "http/detail/stream.hpp"

namespace mimir::http::detail {

/// Reads one message after the other from a stream.
/// Errors of reading: invalid, for what is not HTTP; limit; unavailable, when the connection broke.
/// Threads: the stream's strand.
template <bool is_request>
class MessageReader {
  public:
    MessageReader(Stream& stream, std::size_t header_bytes_limit);

    /// Waits for the first byte of a message; false when the peer closed the connection instead.
    asio::awaitable<bool> wait();
    asio::awaitable<Result<void>> read_head(Head& head);
    /// A response to HEAD has no body, whatever its head says. Before read_head().
    void expect_no_body() { no_body_ = true; }

    // After read_head():

    [[nodiscard]] bool keep_alive() const { return parser_->keep_alive(); }
    /// True when the whole message has been read.
    [[nodiscard]] bool done() const;
    /// Announced; nothing when the body is chunked or ends with the connection.
    [[nodiscard]] std::optional<std::uint64_t> body_bytes() const;
    /// True when bytes of the body are there already.
    [[nodiscard]] bool buffered() const { return buffer_.size() > 0; }

    /// Errors: limit, when a longer body is announced.
    [[nodiscard]] Result<void> check_announced(std::uint64_t bytes_limit) const;
    /// Appends the whole body.
    asio::awaitable<Result<void>> read_body(std::string& body, std::uint64_t bytes_limit);
    /// Appends what comes next; nothing once done().
    asio::awaitable<Result<void>> read_body_some(std::string& body, std::uint64_t bytes_limit);

  private:
    asio::awaitable<Result<void>> read_body_directly(std::string& body, std::size_t bytes);
    asio::awaitable<Stream::Read> fill();
    Result<void> parse();

    Stream& stream_;
    const std::size_t header_bytes_limit_;
    beast::flat_buffer buffer_;
    std::optional<MessageParser<is_request>> parser_;
    bool no_body_ = false;
    bool complete_ = false;
};

extern template class MessageReader<true>;
extern template class MessageReader<false>;
using RequestReader = MessageReader<true>;
using ResponseReader = MessageReader<false>;

}  // namespace mimir::http::detail
