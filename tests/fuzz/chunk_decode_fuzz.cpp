// A chunk, its encoding in the first byte: decoding never goes astray, a range gives part of the whole,
// and what was decoded is the same after it was encoded and decoded again.

#include <bit>

#include "base/assert.hpp"
#include "chunkenc/decode.hpp"
#include "chunkenc/histogram_appender.hpp"
#include "chunkenc/xor_chunk.hpp"
#include "model/histogram_arithmetic.hpp"
#include "model/histogram_buckets.hpp"
#include "model/sample.hpp"

namespace {

using namespace mimir;
using chunkenc::Encoding;
using chunkenc::Points;

constexpr TimeRange kAlways{TimestampMs::min(), TimestampMs::max()};

bool decode(Encoding encoding, std::string_view data, TimeRange range, Points& points) {
    const chunkenc::ChunkView chunk{kAlways, encoding, data};
    return chunkenc::decode(chunk, range, points).has_value();
}

/// Two of the chunk's times as a range.
TimeRange part_of(const std::vector<TimestampMs>& times) {
    if (times.empty()) return kAlways;
    return {times[times.size() / 3], times[times.size() * 2 / 3]};
}

void check_range(Encoding encoding, std::string_view data, const Points& all) {
    Points part;
    const TimeRange range =
        part_of(encoding == Encoding::xor_float ? all.float_times : all.histogram_times);
    MIMIR_ASSERT(decode(encoding, data, range, part), "the range does not matter");
    MIMIR_ASSERT(part.float_times.size() <= all.float_times.size(), "a part");
    MIMIR_ASSERT(part.float_times.size() == part.float_values.size(), "columns are equally long");
    MIMIR_ASSERT(part.histogram_times.size() <= all.histogram_times.size(), "a part");
    for (const TimestampMs time : part.histogram_times) {
        MIMIR_ASSERT(range.contains(time), "within the range");
    }
}

void check_floats_again(const Points& points) {
    chunkenc::XorChunk chunk;
    for (std::size_t i = 0; i < points.float_times.size(); ++i) {
        chunk.append(points.float_times[i], points.float_values[i]);
    }
    Points again;
    if (chunk.count() == 0) return;
    MIMIR_ASSERT(decode(Encoding::xor_float, chunk.data(), kAlways, again), "we encoded it");
    MIMIR_ASSERT(again.float_times == points.float_times, "the same times");
    for (std::size_t i = 0; i < points.float_values.size(); ++i) {
        const auto bits = std::bit_cast<std::uint64_t>(points.float_values[i]);
        MIMIR_ASSERT(
            std::bit_cast<std::uint64_t>(again.float_values[i]) == bits, "the same values"
        );
    }
}

void check_histograms_again(const Points& points) {
    chunkenc::FloatHistogramAppender appender;
    std::size_t kept = 0;  // histograms in chunks that are closed
    const auto check = [&](std::size_t end) {
        Points again;
        if (kept == end) return;
        MIMIR_ASSERT(
            decode(Encoding::float_histogram, appender.data(), kAlways, again), "we encoded it"
        );
        MIMIR_ASSERT(again.histograms.size() == end - kept, "none lost");
        for (std::size_t i = kept; i < end; ++i) {
            model::FloatHistogram before = points.histograms[i];
            model::FloatHistogram after = again.histograms[i - kept];
            model::compact(before);
            model::compact(after);
            MIMIR_ASSERT(model::equal(before, after), "the same observations");
        }
        kept = end;
    };
    for (std::size_t i = 0; i < points.histograms.size(); ++i) {
        const TimestampMs time = points.histogram_times[i];
        const auto fit = appender.append(time, points.histograms[i]);
        if (fit == chunkenc::HistogramFit::appendable) continue;
        check(i);
        appender.begin(time, points.histograms[i], fit);
    }
    check(points.histograms.size());
}

/// What the query engine does with histograms that it was given.
void calculate(const Points& points) {
    for (std::size_t i = 1; i < points.histograms.size(); ++i) {
        static_cast<void>(model::is_counter_reset(points.histograms[i - 1], points.histograms[i]));
        model::FloatHistogram sum = points.histograms[i - 1];
        model::add(sum, points.histograms[i]);
        static_cast<void>(model::to_string(sum));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto encoding = static_cast<Encoding>(1 + data[0] % 3);
    const std::string_view chunk(reinterpret_cast<const char*>(data) + 1, size - 1);
    Points points;
    if (!decode(encoding, chunk, kAlways, points)) {
        MIMIR_ASSERT(
            points.float_times.empty() && points.histograms.empty(), "nothing is left behind"
        );
        return 0;
    }
    check_range(encoding, chunk, points);
    check_floats_again(points);
    check_histograms_again(points);
    calculate(points);
    return 0;
}
