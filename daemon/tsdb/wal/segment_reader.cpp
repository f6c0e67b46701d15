#include "tsdb/wal/segment_reader.hpp"

#include <algorithm>

#include "encoding/bytes.hpp"
#include "encoding/compression.hpp"
#include "encoding/crc32c.hpp"
#include "tsdb/wal/framing.hpp"

namespace mimir::tsdb {
namespace {

constexpr std::size_t kReadBytes = 8 * kWalPageBytes;
constexpr std::size_t kRecordBytesMax = std::size_t{1} << 30;  // of a decompressed record

bool is_known(std::uint8_t type) {
    const std::uint8_t kind = type & kFragmentTypeMask;
    const std::uint8_t flags = type & ~kFragmentTypeMask;
    return kind >= static_cast<std::uint8_t>(FragmentType::full) &&
           kind <= static_cast<std::uint8_t>(FragmentType::last) &&
           (flags == 0 || flags == kFragmentSnappy || flags == kFragmentZstd);
}

bool all_zero(std::string_view bytes) { return bytes.find_first_not_of('\0') == bytes.npos; }

}  // namespace

Result<SegmentReader> SegmentReader::open(const fs::FileSystem& files, const fs::Path& path) {
    MIMIR_TRY(auto file, files.open_readable(path));
    return SegmentReader(std::move(file), path.filename().string());
}

Result<std::optional<std::string_view>> SegmentReader::next() {
    record_.clear();
    bool inside = false;
    while (true) {
        MIMIR_TRY(const auto fragment, next_fragment());
        if (!fragment) {
            if (inside) return damaged("the last record is torn");
            return std::nullopt;
        }
        const auto type = static_cast<FragmentType>(fragment->type & kFragmentTypeMask);
        const bool begins = type == FragmentType::full || type == FragmentType::first;
        if (begins == inside) return damaged("a fragment out of order");
        std::string_view whole = fragment->data;
        if (type != FragmentType::full) {
            inside = true;
            record_ += fragment->data;
            if (type != FragmentType::last) continue;
            whole = record_;
        }
        MIMIR_TRY(const auto record, decompressed(fragment->type, whole));
        good_end_ = offset();
        return record;
    }
}

Result<std::optional<SegmentReader::Fragment>> SegmentReader::next_fragment() {
    while (true) {
        if (at_ == buffer_.size()) {
            MIMIR_TRY(const bool more, fill());
            if (!more) return std::nullopt;
        }
        const std::size_t page_left = kWalPageBytes - at_ % kWalPageBytes;
        const std::string_view rest =
            std::string_view(buffer_).substr(at_, std::min(page_left, buffer_.size() - at_));
        const auto type = static_cast<std::uint8_t>(rest.front());
        if (page_left < kFragmentHeaderBytes || type == 0) {
            if (!all_zero(rest)) return damaged("padding that is not zero");
            at_ += rest.size();
            continue;
        }
        if (!is_known(type)) return damaged("a fragment of unknown type");
        if (rest.size() < kFragmentHeaderBytes) return damaged("the last record is torn");
        const auto length = encoding::load_be<std::uint16_t>(rest.data() + 1);
        const auto checksum = encoding::load_be<std::uint32_t>(rest.data() + 3);
        if (kFragmentHeaderBytes + length > rest.size()) return damaged("the record is cut short");
        const std::string_view data = rest.substr(kFragmentHeaderBytes, length);
        if (encoding::crc32c(data) != checksum) return damaged("a wrong checksum");
        at_ += kFragmentHeaderBytes + length;
        return Fragment{.type = type, .data = data};
    }
}

Result<bool> SegmentReader::fill() {
    buffer_offset_ += buffer_.size();
    buffer_.clear();
    at_ = 0;
    if (buffer_offset_ % kWalPageBytes != 0) return false;  // the last, partial page was read
    MIMIR_TRY(file_->read(buffer_offset_, kReadBytes, buffer_));
    return !buffer_.empty();
}

Result<std::string_view> SegmentReader::decompressed(std::uint8_t type, std::string_view record) {
    if ((type & ~kFragmentTypeMask) == 0) return record;
    const auto unpacked = (type & kFragmentSnappy) != 0
                              ? encoding::snappy_decompress(record, kRecordBytesMax, plain_)
                              : encoding::zstd_decompress(record, kRecordBytesMax, plain_);
    if (!unpacked) return damaged(unpacked.error().message);
    return plain_;
}

tl::unexpected<Error> SegmentReader::damaged(std::string_view why) const {
    return fail(ErrorKind::corrupt, "{}: {} at byte {}", name_, why, good_end_);
}

}  // namespace mimir::tsdb
