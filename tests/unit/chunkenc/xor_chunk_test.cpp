#include "chunkenc/xor_chunk.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "chunkenc/decode.hpp"
#include "model/sample.hpp"
#include "support/bytes.hpp"
#include "support/test_support.hpp"

namespace mimir::chunkenc {
namespace {

using model::Sample;

constexpr TimeRange kAlways{TimestampMs::min(), TimestampMs::max()};

std::string encode(const std::vector<Sample>& samples) {
    XorChunk chunk;
    for (const Sample& sample : samples) chunk.append(sample.time, sample.value);
    return std::string(chunk.data());
}

Result<Points> decode_bytes(std::string_view data, TimeRange range = kAlways) {
    Points points;
    MIMIR_TRY(decode({kAlways, Encoding::xor_float, data}, range, points));
    return points;
}

/// Bit for bit, so that NaNs and zeros are told from one another.
void check_samples(const Points& points, const std::vector<Sample>& expected) {
    REQUIRE(points.float_times.size() == expected.size());
    REQUIRE(points.float_values.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        CAPTURE(i);
        CHECK(points.float_times[i].ms == expected[i].time.ms);
        CHECK(
            std::bit_cast<std::uint64_t>(points.float_values[i]) ==
            std::bit_cast<std::uint64_t>(expected[i].value)
        );
    }
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Written by Prometheus 2.42 (promtool tsdb create-blocks-from openmetrics).
const std::vector<Sample> kGoldenSamples = {
    {{1700000000000}, 0.0},
    {{1700000015000}, -0.0},
    {{1700000030000}, 1.0},
    {{1700000045001}, 1.0},
    {{1700000060000}, 1.5},
    {{1700000075000}, -2.25},
    {{1700000098191}, 3.141592653589793},
    {{1700000113191}, 1e308},
    {{1700000113192}, -1e-308},
    {{1700000193192}, 5e-324},
    {{1700000208192}, kInfinity},
    {{1700000908192}, -kInfinity},
    {{1700000923192}, model::kNormalNan},
    {{1700000938192}, 42},
    {{1700000953192}, 42},
    {{1700000968192}, 42},
    {{1700000983192}, 0.1},
    {{1700000998192}, 0.2},
    {{1700001013192}, 0.30000000000000004},
    {{1700001028192}, 123456789.125},
};
constexpr std::string_view kGoldenBytes =
    "001480a0abfef96200000000000000009875c00d80cbff80015fff6c07000380ffffb3fff83d800b21fb5444"
    "2d1d000c7fd1da11a35fcb7dc569c1ffff37e12fef91039e1387fc004003986b3c0cf469e810c4ffe0000000"
    "000003e000000000014e79140000000000000007fffffffffffac61c500100000000000028fef40000000000"
    "0413ffe4ccccccccccd200700000000000004003555555555555c9f939701d9eccccd0";

TEST_SUITE_BEGIN("chunkenc/xor_chunk");

TEST_CASE("bytes are those of Prometheus, both ways") {
    const std::string bytes = test::from_hex(kGoldenBytes);
    CHECK(test::to_hex(encode(kGoldenSamples)) == kGoldenBytes);
    const auto points = decode_bytes(bytes);
    REQUIRE_OK(points);
    check_samples(*points, kGoldenSamples);
}

TEST_CASE("any samples are read back") {
    SeededRandom random = test::seeded_random();
    const auto any_delta = [&]() -> std::int64_t {
        switch (random.below(6)) {
            case 0: return 15000;
            case 1: return 15000 + static_cast<std::int64_t>(random.below(20));
            case 2: return static_cast<std::int64_t>(random.below(30000));
            case 3: return static_cast<std::int64_t>(random.below(2000000));
            case 4: return static_cast<std::int64_t>(random.below(1ULL << 50));
            default: return 1;
        }
    };
    const auto any_value = [&](double last) {
        switch (random.below(6)) {
            case 0: return last;
            case 1: return last + 1;
            case 2: return std::nextafter(last, kInfinity);
            case 3: return static_cast<double>(random.below(1000)) / 10;
            case 4: return model::kStaleNan;
            default: return std::bit_cast<double>(random.next());
        }
    };
    for (int round = 0; round < 500; ++round) {
        std::vector<Sample> samples;
        TimestampMs time{static_cast<std::int64_t>(random.below(1ULL << 41)) - (1LL << 40)};
        double value = 0;
        for (std::uint64_t i = random.below(200); i > 0; --i) {
            value = any_value(value);
            samples.push_back({time, value});
            time.ms += any_delta();
        }
        const auto points = decode_bytes(samples.empty() ? std::string(2, '\0') : encode(samples));
        REQUIRE_OK(points);
        check_samples(*points, samples);
    }
}

TEST_CASE("times may be as far apart as there is time") {
    const std::vector<Sample> samples = {
        {TimestampMs::min(), 1}, {{-1}, 2}, {{0}, 3}, {TimestampMs::max(), 4}
    };
    const auto points = decode_bytes(encode(samples));
    REQUIRE_OK(points);
    check_samples(*points, samples);
}

TEST_CASE("the bytes are a whole chunk after each sample, and nothing behind the reach is touched"
) {
    SeededRandom random = test::seeded_random();
    std::vector<char> buffer(64 * 1024, '\x5A');
    XorState state;
    std::vector<Sample> samples;
    for (int i = 0; i < 300; ++i) {
        samples.push_back({{i * (1LL << 40) * (i % 3)}, std::bit_cast<double>(random.next())});
        samples.back().time.ms = samples.size() == 1 ? 0 : samples.back().time.ms + i;
        const std::size_t limit = state.bytes() + kXorSampleBytesMax;
        xor_append(state, buffer.data(), samples.back().time, samples.back().value);
        CHECK(state.bytes() <= limit - 8);
        CHECK(buffer[limit] == '\x5A');
        const auto points = decode_bytes(std::string(buffer.data(), state.bytes()));
        REQUIRE_OK(points);
        check_samples(*points, samples);
    }
}

TEST_CASE("only samples within the range come out, and they are appended") {
    std::vector<Sample> samples;
    for (int i = 0; i < 100; ++i) samples.push_back({{i * 10}, static_cast<double>(i)});
    const std::string bytes = encode(samples);
    struct Case {
        TimeRange range;
        std::size_t first;
        std::size_t count;
    };
    const std::vector<Case> cases = {
        {{{0}, {990}}, 0, 100},
        {{{10}, {980}}, 1, 98},
        {{{11}, {29}}, 2, 1},
        {{{11}, {19}}, 0, 0},
        {{{-5}, {0}}, 0, 1},
        {{{990}, {2000}}, 99, 1},
        {{{991}, {2000}}, 0, 0},
        {{{500}, {5000}}, 50, 50},
    };
    for (const Case& c : cases) {
        CAPTURE(c.range.min.ms);
        CAPTURE(c.range.max.ms);
        const auto first = samples.begin() + static_cast<std::ptrdiff_t>(c.first);
        std::vector<Sample> expected(first, first + static_cast<std::ptrdiff_t>(c.count));
        expected.insert(expected.begin(), {{-100}, 7});
        Points points;
        points.float_times.push_back({-100});
        points.float_values.push_back(7);
        REQUIRE_OK(decode({kAlways, Encoding::xor_float, bytes}, c.range, points));
        check_samples(points, expected);
    }
}

TEST_CASE("a chunk that is cut off is corrupt and leaves nothing behind") {
    const std::string bytes = test::from_hex(kGoldenBytes);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CAPTURE(size);
        const std::string cut = bytes.substr(0, size);
        Points points;
        const auto result = decode({kAlways, Encoding::xor_float, cut}, kAlways, points);
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().kind == ErrorKind::corrupt);
        CHECK(points.float_times.empty());
        CHECK(points.float_values.empty());
    }
}

TEST_CASE("a chunk that promises more samples than it has room for is corrupt") {
    std::string bytes = encode({{{1000}, 1.0}, {{2000}, 2.0}, {{3000}, 3.0}});
    bytes[0] = '\xFF';
    CHECK(decode_bytes(bytes).error().kind == ErrorKind::corrupt);
}

TEST_CASE("a window wider than a float is corrupt") {
    // After two samples of value 0: time as expected, then 11, 31 leading zeros, 64 bits.
    const std::string bytes = test::from_hex(
        "0003"
        "00"
        "0000000000000000"
        "01"
        "3FF0"
        "0000000000000000"
        "00"
    );
    CHECK(decode_bytes(bytes).error().kind == ErrorKind::corrupt);
}

TEST_CASE("chunks of unknown encodings are corrupt") {
    Points points;
    for (const int encoding : {0, 4, 5, 6, 255}) {
        const auto result =
            decode({kAlways, static_cast<Encoding>(encoding), "\0\0"}, kAlways, points);
        CHECK(result.error().kind == ErrorKind::corrupt);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::chunkenc
