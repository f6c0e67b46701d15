#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace mimir::rpc::detail {

using Frame = std::shared_ptr<const std::string>;

/// Appends a frame: its kind, the length of its content (be32), the content.
void append_frame(std::string_view content, std::string& out);
/// Appends the last frame. It says that all went well, or what went wrong.
void append_end(const Result<void>& how, std::string& out);

/// Puts frames together from the pieces in which they come.
/// Threads: one at a time.
class FrameParser {
  public:
    explicit FrameParser(std::size_t frame_bytes_limit) : limit_(frame_bytes_limit) {}

    /// The next bytes of the answer; what next() has not consumed must have been. The bytes live
    /// until next() gives nothing.
    void feed(std::string_view bytes) { input_ = bytes; }
    /// The next whole frame; null when more bytes are needed, and after the last frame.
    /// Errors: corrupt, for what is no frame, and for bytes after the last one; limit.
    Result<Frame> next();
    /// How the answer ended, once the last frame has been parsed.
    [[nodiscard]] const std::optional<Result<void>>& end() const { return end_; }

  private:
    Result<bool> parse_head();

    const std::size_t limit_;
    std::string_view input_;
    std::string head_;  // of the frame that is being read, as far as it has come
    std::size_t missing_ = 0;
    std::shared_ptr<std::string> content_;  // null between frames
    std::optional<Result<void>> end_;
};

}  // namespace mimir::rpc::detail
