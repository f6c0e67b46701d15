#include "tsdb/wal/framing.hpp"

#include <algorithm>

#include "encoding/bytes.hpp"
#include "encoding/crc32c.hpp"

namespace mimir::tsdb {
namespace {

std::uint64_t page_left(std::uint64_t position) { return kWalPageBytes - position % kWalPageBytes; }

/// Zeros before the next fragment, when the page has no room for its header.
std::uint64_t padding_at(std::uint64_t position) {
    return page_left(position) < kFragmentHeaderBytes ? page_left(position) : 0;
}

FragmentType type_of(bool is_first, bool is_last) {
    if (is_first) return is_last ? FragmentType::full : FragmentType::first;
    return is_last ? FragmentType::last : FragmentType::middle;
}

}  // namespace

std::uint64_t framed_bytes(std::uint64_t position, std::uint64_t size) {
    std::uint64_t at = position;
    do {
        at += padding_at(at);
        const std::uint64_t part = std::min(size, page_left(at) - kFragmentHeaderBytes);
        at += kFragmentHeaderBytes + part;
        size -= part;
    } while (size > 0);
    return at - position;
}

void append_framed(std::string& out, std::uint64_t position, std::string_view record) {
    bool is_first = true;
    do {
        const std::uint64_t padding = padding_at(position);
        out.append(padding, '\0');
        position += padding;
        const std::uint64_t room = page_left(position) - kFragmentHeaderBytes;
        const std::string_view part = record.substr(0, room);
        record.remove_prefix(part.size());

        char header[kFragmentHeaderBytes];
        header[0] = static_cast<char>(type_of(is_first, record.empty()));
        encoding::store_be(header + 1, static_cast<std::uint16_t>(part.size()));
        encoding::store_be(header + 3, encoding::crc32c(part));
        out.append(header, sizeof(header));
        out.append(part);
        position += sizeof(header) + part.size();
        is_first = false;
    } while (!record.empty());
}

}  // namespace mimir::tsdb
