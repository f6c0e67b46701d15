#include "tsdb/block/rewrite_chunks.hpp"

#include "block_test_support.hpp"
#include "chunkenc/decode.hpp"
#include "chunkenc/histogram_appender.hpp"

namespace mimir::tsdb {
namespace {

using namespace test_support;
using chunkenc::ChunkView;

TEST_SUITE_BEGIN("tsdb/block/rewrite_chunks");

Samples decode_all(std::span<const ChunkView> chunks) {
    Samples samples;
    for (const ChunkView& chunk : chunks) {
        chunkenc::Points points;
        REQUIRE_OK(chunkenc::decode(chunk, kAllTime, points));
        for (std::size_t i = 0; i < points.float_times.size(); ++i) {
            CHECK(samples.emplace(points.float_times[i].ms, points.float_values[i]).second);
            CHECK(chunk.range.contains(points.float_times[i]));
        }
    }
    return samples;
}

Samples ramp(std::int64_t from, std::int64_t to, double value) {
    Samples samples;
    for (std::int64_t time = from; time < to; ++time) samples[time] = value;
    return samples;
}

struct Fitted {
    chunkenc::ChunkBatch memory;
    std::vector<ChunkView> chunks;
};

void fit(const std::vector<ChunkView>& chunks, TimeRange range, Fitted& fitted) {
    REQUIRE_OK(fit_chunks(chunks, range, fitted.memory, fitted.chunks));
}

TEST_CASE("chunks that stand alone are passed on untouched") {
    const OwnedChunk a = make_chunk(ramp(0, 10, 1));
    const OwnedChunk b = make_chunk(ramp(10, 20, 2));
    Fitted fitted;
    fit({a.view(), b.view()}, {{0}, {19}}, fitted);
    REQUIRE(fitted.chunks.size() == 2);
    CHECK(fitted.chunks[0].data.data() == a.data.data());
    CHECK(fitted.chunks[1].data.data() == b.data.data());
}

TEST_CASE("doubles are dropped without being decoded") {
    const OwnedChunk a = make_chunk(ramp(0, 10, 1));
    const OwnedChunk same = a;
    Fitted fitted;
    fit({a.view(), same.view()}, {{0}, {19}}, fitted);
    REQUIRE(fitted.chunks.size() == 1);
    CHECK(fitted.chunks[0].data.data() == a.data.data());
}

TEST_CASE("of overlapping chunks each time stays once, with the earlier chunk's value") {
    const OwnedChunk a = make_chunk(ramp(0, 100, 1));
    const OwnedChunk b = make_chunk(ramp(50, 200, 2));
    Fitted fitted;
    fit({a.view(), b.view()}, {{0}, {1000}}, fitted);
    Samples expected = ramp(0, 100, 1);
    expected.merge(ramp(100, 200, 2));
    CHECK(decode_all(fitted.chunks) == expected);
    CHECK(fitted.chunks.size() == 2);  // of 120 and 80 samples
}

TEST_CASE("a chunk that crosses the range is cut") {
    const OwnedChunk a = make_chunk(ramp(0, 100, 1));
    Fitted fitted;
    fit({a.view()}, {{10}, {19}}, fitted);
    CHECK(decode_all(fitted.chunks) == ramp(10, 20, 1));
    Fitted nothing;
    fit({a.view()}, {{200}, {300}}, nothing);
    CHECK(nothing.chunks.empty());
}

TEST_CASE("histograms survive a rewrite as float histograms, among floats") {
    model::Histogram histogram{
        .count = 3, .sum = 5, .positive_spans = {{0, 2}}, .positive_deltas = {1, 1}
    };
    chunkenc::HistogramAppender appender;
    appender.begin({10}, histogram, chunkenc::HistogramFit::other_layout);
    histogram.count = 4;
    histogram.positive_deltas = {2, 0};
    REQUIRE(appender.append({12}, histogram) == chunkenc::HistogramFit::appendable);
    const std::string data(appender.data());
    const ChunkView histograms{{{10}, {12}}, chunkenc::Encoding::histogram, data};
    const OwnedChunk floats = make_chunk({{9, 1.0}, {11, 2.0}, {12, 3.0}, {13, 4.0}});
    Fitted fitted;
    fit({floats.view(), histograms}, {{0}, {100}}, fitted);
    CHECK(decode_all(fitted.chunks) == Samples{{9, 1.0}, {11, 2.0}, {12, 3.0}, {13, 4.0}});
    chunkenc::Points points;
    for (const ChunkView& chunk : fitted.chunks)
        REQUIRE_OK(chunkenc::decode(chunk, kAllTime, points));
    REQUIRE(points.histogram_times == std::vector<TimestampMs>{{10}});
    CHECK(points.histograms[0].sum == 5);
    CHECK(points.histograms[0].positive_buckets == std::vector<double>{1, 2});
}

TEST_CASE("a chunk that can't be decoded is corrupt, not rewritten") {
    const OwnedChunk a = make_chunk(ramp(0, 100, 1));
    const ChunkView torn{
        a.range, chunkenc::Encoding::xor_float, std::string_view(a.data).substr(0, 12)
    };
    Fitted fitted;
    const auto result =
        fit_chunks(std::vector<ChunkView>{torn, a.view()}, kAllTime, fitted.memory, fitted.chunks);
    CHECK(result.error().kind == ErrorKind::corrupt);
}

TEST_CASE("sorting keeps chunks that start together in their order") {
    const std::string data = "123";
    std::vector<ChunkView> chunks;
    int n = 0;
    for (const std::int64_t start : {5, 1, 5, 3, 1, 9, 0, 5}) {
        chunks.push_back({{{start}, {100 + n++}}, chunkenc::Encoding::xor_float, data});
    }
    sort_chunks(chunks);
    std::vector<std::pair<std::int64_t, std::int64_t>> order;
    for (const ChunkView& chunk : chunks)
        order.emplace_back(chunk.range.min.ms, chunk.range.max.ms);
    CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::tsdb
