#include "chunkenc/decode.hpp"

#include "chunkenc/detail/decoders.hpp"

namespace mimir::chunkenc {

void Points::clear() {
    float_times.clear();
    float_values.clear();
    histogram_times.clear();
    histograms.clear();
}

Result<void> decode(const ChunkView& chunk, TimeRange range, Points& out) {
    switch (chunk.encoding) {
        case Encoding::none: break;
        case Encoding::xor_float: return detail::decode_xor(chunk.data, range, out);
        case Encoding::histogram: return detail::decode_histograms(chunk.data, range, out);
        case Encoding::float_histogram:
            return detail::decode_float_histograms(chunk.data, range, out);
    }
    return fail(
        ErrorKind::corrupt, "chunk of unknown encoding {}", static_cast<int>(chunk.encoding)
    );
}

}  // namespace mimir::chunkenc
