#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "fs/file_system.hpp"

namespace mimir::tsdb {

/// Reads the records of one segment file in order.
class SegmentReader {
  public:
    static Result<SegmentReader> open(const fs::FileSystem& files, const fs::Path& path);

    /// The next record, decompressed; valid until the next call. Nothing at the end of the segment.
    /// Errors: corrupt for a record that is torn or damaged: good_end() then says where it begins, and reading is over;
    /// those of the file system.
    Result<std::optional<std::string_view>> next();

    /// End of the last whole record that next() returned.
    [[nodiscard]] std::uint64_t good_end() const { return good_end_; }

  private:
    SegmentReader(std::unique_ptr<fs::ReadableFile> file, std::string name)
        : file_(std::move(file)), name_(std::move(name)) {}

    struct Fragment {
        std::uint8_t type = 0;
        std::string_view data;
    };
    /// The next fragment that is not padding; nothing at the end of the file.
    Result<std::optional<Fragment>> next_fragment();
    Result<bool> fill();
    Result<std::string_view> decompressed(std::uint8_t type, std::string_view record);
    [[nodiscard]] std::uint64_t offset() const { return buffer_offset_ + at_; }
    [[nodiscard]] tl::unexpected<Error> damaged(std::string_view why) const;

    std::unique_ptr<fs::ReadableFile> file_;
    std::string name_;
    std::string buffer_;  // whole pages, but for the file's last
    std::uint64_t buffer_offset_ = 0;
    std::size_t at_ = 0;
    std::uint64_t good_end_ = 0;
    std::string record_;  // put together from fragments
    std::string plain_;   // decompressed
};

}  // namespace mimir::tsdb
