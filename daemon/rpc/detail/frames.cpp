#include "rpc/detail/frames.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "encoding/bytes.hpp"
#include "rpc/detail/protocol.hpp"
#include "wire/internal.hpp"

namespace mimir::rpc::detail {
namespace {

constexpr char kData = 1;
constexpr char kEnd = 2;
constexpr std::size_t kHeadBytes = 5;
/// A frame's memory is taken as its bytes come, not as its head promises.
constexpr std::size_t kReserveBytesMax = 1 << 20;

void append_head(char kind, std::size_t bytes, std::string& out) {
    MIMIR_ASSERT(bytes <= UINT32_MAX, "frames are made of bounded pieces");
    out.push_back(kind);
    encoding::ByteWriter(out).be32(static_cast<std::uint32_t>(bytes));
}

}  // namespace

void append_frame(std::string_view content, std::string& out) {
    MIMIR_ASSERT(!content.empty(), "readers take an empty frame for the end");
    append_head(kData, content.size(), out);
    out += content;
}

void append_end(const Result<void>& how, std::string& out) {
    std::string message;
    if (!how) write_error(how.error(), message);
    append_head(kEnd, message.size(), out);
    out += message;
}

Result<bool> FrameParser::parse_head() {
    const std::size_t taken = std::min(kHeadBytes - head_.size(), input_.size());
    head_ += input_.substr(0, taken);
    input_.remove_prefix(taken);
    if (head_.size() < kHeadBytes) return false;
    if (head_[0] != kData && head_[0] != kEnd) {
        return fail(ErrorKind::corrupt, "a frame of unknown kind {}", int{head_[0]});
    }
    missing_ = encoding::load_be<std::uint32_t>(head_.data() + 1);
    if (missing_ > limit_) {
        return fail(
            ErrorKind::limit, "a frame of {} bytes, over the limit of {}", missing_, limit_
        );
    }
    if (missing_ == 0 && head_[0] == kData) return fail(ErrorKind::corrupt, "an empty frame");
    content_ = std::make_shared<std::string>();
    content_->reserve(std::min(missing_, kReserveBytesMax));
    return true;
}

Result<Frame> FrameParser::next() {
    if (end_) {
        if (!input_.empty()) return fail(ErrorKind::corrupt, "bytes after the last frame");
        return nullptr;
    }
    if (!content_) {
        MIMIR_TRY(const bool complete, parse_head());
        if (!complete) return nullptr;
    }
    const std::size_t taken = std::min(missing_, input_.size());
    content_->append(input_.substr(0, taken));
    input_.remove_prefix(taken);
    missing_ -= taken;
    if (missing_ > 0) return nullptr;

    const char kind = head_[0];
    head_.clear();
    Frame frame = std::move(content_);
    content_.reset();
    if (kind == kData) return frame;
    end_.emplace();
    if (!frame->empty()) end_ = tl::unexpected(read_error(*frame));
    return next();
}

}  // namespace mimir::rpc::detail
