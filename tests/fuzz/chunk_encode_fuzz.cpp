// Samples of any times and values: an XOR chunk gives them back.

#include <bit>
#include <vector>

#include "base/assert.hpp"
#include "chunkenc/decode.hpp"
#include "chunkenc/xor_chunk.hpp"
#include "encoding/bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mimir;
    constexpr TimeRange kAlways{TimestampMs::min(), TimestampMs::max()};

    encoding::ByteReader reader({reinterpret_cast<const char*>(data), size});
    chunkenc::XorChunk chunk;
    std::vector<TimestampMs> times;
    std::vector<std::uint64_t> values;
    std::uint64_t time = 0;
    std::uint64_t value = 0;
    while (!reader.at_end() && times.size() < chunkenc::kChunkSamplesMax) {
        time += static_cast<std::uint64_t>(reader.varint());
        value ^= reader.uvarint();
        times.push_back({static_cast<std::int64_t>(time)});
        values.push_back(value);
        chunk.append(times.back(), std::bit_cast<double>(value));
    }
    if (times.empty()) return 0;

    chunkenc::Points points;
    const std::string bytes(chunk.data());
    const auto result =
        chunkenc::decode({kAlways, chunkenc::Encoding::xor_float, bytes}, kAlways, points);
    MIMIR_ASSERT(result.has_value(), "we encoded it");
    MIMIR_ASSERT(points.float_times == times, "the same times");
    for (std::size_t i = 0; i < values.size(); ++i) {
        MIMIR_ASSERT(
            std::bit_cast<std::uint64_t>(points.float_values[i]) == values[i], "the same values"
        );
    }
    return 0;
}
