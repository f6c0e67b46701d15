#include "encoding/compression.hpp"

#include <snappy.h>
#include <zstd.h>

namespace mimir::encoding {

void snappy_compress(std::string_view data, std::string& out) {
    out.resize(snappy::MaxCompressedLength(data.size()));
    std::size_t size = 0;
    snappy::RawCompress(data.data(), data.size(), out.data(), &size);
    out.resize(size);
}

Result<void> snappy_decompress(std::string_view block, std::size_t bytes_limit, std::string& out) {
    std::size_t size = 0;
    if (!snappy::GetUncompressedLength(block.data(), block.size(), &size)) {
        return fail(ErrorKind::corrupt, "snappy: no length at the start of {} bytes", block.size());
    }
    if (size > bytes_limit) {
        return fail(ErrorKind::limit, "snappy: {} bytes uncompressed, over the limit of {}", size, bytes_limit);
    }
    out.resize(size);
    if (!snappy::RawUncompress(block.data(), block.size(), out.data())) {
        return fail(ErrorKind::corrupt, "snappy: corrupt input of {} bytes", block.size());
    }
    return {};
}

Result<void> zstd_decompress(std::string_view frame, std::size_t bytes_limit, std::string& out) {
    const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) {
        return fail(ErrorKind::corrupt, "zstd: no content size in a frame of {} bytes", frame.size());
    }
    if (size > bytes_limit) {
        return fail(ErrorKind::limit, "zstd: {} bytes uncompressed, over the limit of {}", size, bytes_limit);
    }
    out.resize(size);
    const std::size_t written = ZSTD_decompress(out.data(), out.size(), frame.data(), frame.size());
    if (ZSTD_isError(written) != 0 || written != size) {
        return fail(ErrorKind::corrupt, "zstd: {}", ZSTD_getErrorName(written));
    }
    return {};
}

}  // namespace mimir::encoding
