#include "encoding/gzip.hpp"

#define ZLIB_CONST
#include <zlib.h>

#include "base/assert.hpp"

namespace mimir::encoding {

std::string gzip_compress(std::string_view data) {
    constexpr int kGzipWindowBits = 15 + 16;  // the largest window; + 16 asks for gzip's framing
    z_stream stream{};
    const int begun = ::deflateInit2(
        &stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindowBits, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY
    );
    MIMIR_ASSERT(begun == Z_OK, "zlib has memory and knows its own version");
    std::string out(::deflateBound(&stream, data.size()), '\0');
    stream.next_in = reinterpret_cast<const Bytef*>(data.data());
    stream.avail_in = static_cast<uInt>(data.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int ended = ::deflate(&stream, Z_FINISH);
    MIMIR_ASSERT(ended == Z_STREAM_END, "deflateBound holds the whole output");
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    return out;
}

}  // namespace mimir::encoding
