#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "fs/file_system.hpp"

namespace mimir::tsdb::detail {

/// Appends to a file in large pieces, and knows where the next byte goes.
/// Threads: one at a time.
class BufferedFile {
  public:
    explicit BufferedFile(std::unique_ptr<fs::WritableFile> file) : file_(std::move(file)) {}

    Result<void> append(std::string_view bytes) {
        buffer_ += bytes;
        return buffer_.size() < kFlushBytes ? Result<void>() : flush();
    }
    /// Hands what is buffered to the operating system.
    Result<void> flush() {
        MIMIR_TRY(file_->append(buffer_));
        buffer_.clear();
        return {};
    }
    Result<void> sync() {
        MIMIR_TRY(flush());
        return file_->sync();
    }
    [[nodiscard]] std::uint64_t position() const { return file_->size() + buffer_.size(); }

  private:
    static constexpr std::size_t kFlushBytes = 256 * 1024;

    std::unique_ptr<fs::WritableFile> file_;
    std::string buffer_;
};

}  // namespace mimir::tsdb::detail
