#include <bit>
#include <iterator>
#include <map>
#include <numeric>
#include <vector>

#include "chunkenc/decode.hpp"
#include "chunkenc/histogram_appender.hpp"
#include "model/histogram_arithmetic.hpp"
#include "model/sample.hpp"
#include "support/bytes.hpp"
#include "support/test_support.hpp"

namespace mimir::chunkenc {
namespace {

using model::CounterResetHint;
using model::FloatHistogram;
using model::Histogram;

constexpr TimeRange kAlways{TimestampMs::min(), TimestampMs::max()};

Result<Points> decode_bytes(Encoding encoding, std::string_view data, TimeRange range = kAlways) {
    Points points;
    MIMIR_TRY(decode({kAlways, encoding, data}, range, points));
    return points;
}

/// The other way round than to_float().
Histogram to_integer(const FloatHistogram& h) {
    const auto deltas = [](const std::vector<double>& counts) {
        std::vector<std::int64_t> result;
        std::adjacent_difference(counts.begin(), counts.end(), std::back_inserter(result));
        return result;
    };
    return {
        .reset_hint = h.reset_hint,
        .schema = h.schema,
        .zero_threshold = h.zero_threshold,
        .zero_count = static_cast<std::uint64_t>(h.zero_count),
        .count = static_cast<std::uint64_t>(h.count),
        .sum = h.sum,
        .positive_spans = h.positive_spans,
        .negative_spans = h.negative_spans,
        .positive_deltas = deltas(h.positive_buckets),
        .negative_deltas = deltas(h.negative_buckets),
        .custom_bounds = h.custom_bounds,
    };
}

// The two kinds of chunks, tested with the same histograms: their counts are whole numbers.
struct Integers {
    using Appender = HistogramAppender;
    static constexpr Encoding kEncoding = Encoding::histogram;
    static Histogram convert(const FloatHistogram& h) { return to_integer(h); }
};
struct Floats {
    using Appender = FloatHistogramAppender;
    static constexpr Encoding kEncoding = Encoding::float_histogram;
    static const FloatHistogram& convert(const FloatHistogram& h) { return h; }
};

const FloatHistogram kStale{.sum = model::kStaleNan};

using Buckets = std::map<std::int32_t, double>;

/// A histogram of schema 3 with these buckets.
FloatHistogram with_buckets(const Buckets& positive, const Buckets& negative = {}) {
    FloatHistogram h{.schema = 3, .zero_threshold = 0.001};
    const auto fill = [&](const Buckets& buckets, auto& spans, auto& counts) {
        std::int32_t next = 0;
        for (const auto& [index, count] : buckets) {
            if (spans.empty() || index != next) spans.push_back({index - next, 0});
            ++spans.back().length;
            next = index + 1;
            counts.push_back(count);
            h.count += count;
        }
    };
    fill(positive, h.positive_spans, h.positive_buckets);
    fill(negative, h.negative_spans, h.negative_buckets);
    return h;
}

// What Prometheus 2.42 made of a scrape a sample, its head's chunks written out by a snapshot. The
// float histograms have a little more of everything. Twice a bucket comes up that was not there.
struct Golden {
    std::int64_t ms;
    double sum;
    double zero_count;
    Buckets positive;
    Buckets negative;
};
const std::vector<Golden> kGolden = {
    {0, 12.25, 1, {{0, 3}, {1, 4}, {2, 5}, {6, 1}}, {{0, 1}}},
    {15000, 1e6, 2, {{0, 4}, {1, 4}, {2, 9}, {4, 2}, {6, 3}}, {{0, 1}, {2, 7}}},
    {30001, -3, 2, {{0, 4}, {1, 4}, {2, 9}, {4, 2}, {6, 3}}, {{0, 2}, {2, 7}}},
    {45000, 0.1, 5, {{0, 4}, {1, 10}, {2, 9}, {4, 2}, {6, 3}}, {{0, 2}, {2, 7}}},
    {55000,
     0.30000000000000004,
     5,
     {{-3, 1}, {0, 4}, {1, 10}, {2, 9}, {4, 2}, {6, 300000}},
     {{0, 2}, {2, 7}}},
    {75000, 77, 5, {{-3, 1}, {0, 4}, {1, 10}, {2, 9}, {4, 2}, {6, 300001}}, {{0, 2}, {2, 7}}},
};
constexpr std::int64_t kGoldenStart = 1795424773000;
constexpr std::string_view kGoldenIntegers =
    "000600749d2359ca318c651463fc0003440f4fc7118f8a0144000000000002718eee31bfc1d4c64639d28302"
    "51bd2c61e3b0be066049a12bc779247716c44f07fff63333333333334c36e8bc7efb1e7f0124f56b00355555"
    "555555578df75867e0249ee9f04e21fbf6d8469fe01ccccccccccd5e23f7edb090";
constexpr std::string_view kGoldenFloats =
    "000600ff3f50624dd2f1a9fc9d2359ca318c651463fc0003440f4fc710805e0000000000007fe80000000000"
    "0080510000000000000000000000000000801200000000000080210000000000008029000000000000000000"
    "00000000007fe40000000000007fe40000000000000000000000000001f07531a49dee13bffbce941812d636"
    "6d446de13e000e13fffdb0a100731804c0cc0934240c27fff35a0b6b16f83fffb199999999999a6a234c1f7d"
    "8f39d8ab8811400d555555555555f11bff90ced46d3e027c138840000049fe01ccccccccccd020000020";

FloatHistogram golden_integer(const Golden& golden) {
    FloatHistogram h = with_buckets(golden.positive, golden.negative);
    h.zero_threshold = 0x1p-128;
    h.zero_count = golden.zero_count;
    h.count += golden.zero_count;
    h.sum = golden.sum;
    return h;
}

FloatHistogram golden_float(const Golden& golden) {
    FloatHistogram h = golden_integer(golden);
    h.zero_threshold = 0.001;
    h.zero_count += 0.25;
    h.count += 0.5;
    for (double& count : h.positive_buckets) count += 0.125;
    for (double& count : h.negative_buckets) count += 0.125;
    return h;
}

/// The same observations: buckets that are empty may be there or not.
void check_equal(FloatHistogram got, FloatHistogram expected) {
    model::compact(got);
    model::compact(expected);
    CHECK(model::equal(got, expected));
}

template <class Kind>
void check_golden(std::string_view golden_hex, FloatHistogram (*histogram)(const Golden&)) {
    typename Kind::Appender appender;
    for (const Golden& golden : kGolden) {
        const TimestampMs time{kGoldenStart + golden.ms};
        const auto sample = Kind::convert(histogram(golden));
        if (appender.append(time, sample) != HistogramFit::appendable) {
            appender.begin(time, sample, HistogramFit::other_layout);
        }
    }
    CHECK(appender.count() == kGolden.size());
    CHECK(test::to_hex(appender.data()) == golden_hex);

    const auto points = decode_bytes(Kind::kEncoding, test::from_hex(golden_hex));
    REQUIRE_OK(points);
    REQUIRE(points->histograms.size() == kGolden.size());
    for (std::size_t i = 0; i < kGolden.size(); ++i) {
        CAPTURE(i);
        CHECK(points->histogram_times[i].ms == kGoldenStart + kGolden[i].ms);
        check_equal(points->histograms[i], histogram(kGolden[i]));
    }
}

TEST_SUITE_BEGIN("chunkenc/histogram_chunk");

TEST_CASE("bytes are those of Prometheus, both ways") {
    SUBCASE("integers") { check_golden<Integers>(kGoldenIntegers, golden_integer); }
    SUBCASE("floats") { check_golden<Floats>(kGoldenFloats, golden_float); }
}

TEST_CASE_TEMPLATE("what fits an open chunk", Kind, Integers, Floats) {
    using enum HistogramFit;
    struct Case {
        const char* name;
        FloatHistogram sample;
        HistogramFit fit;
    };
    const auto changed = [](FloatHistogram h, auto change) {
        change(h);
        return h;
    };
    const FloatHistogram open = with_buckets({{0, 3}, {1, 0}, {3, 5}}, {{2, 1}});
    const FloatHistogram more = with_buckets({{0, 9}, {1, 9}, {3, 9}}, {{2, 9}});
    const std::vector<Case> cases = {
        {"the same again", open, appendable},
        {"more of it", more, appendable},
        {"a stale marker", kStale, appendable},
        {"new buckets",
         with_buckets({{-5, 1}, {0, 3}, {2, 1}, {3, 5}, {9, 2}}, {{2, 1}}),
         appendable},
        {"without an empty bucket", with_buckets({{0, 3}, {3, 5}}, {{2, 1}}), appendable},
        {"without a bucket", with_buckets({{0, 9}, {1, 0}}, {{2, 1}}), counter_reset},
        {"less in a bucket", with_buckets({{0, 9}, {1, 0}, {3, 4}}, {{2, 1}}), counter_reset},
        {"less in a negative bucket",
         with_buckets({{0, 9}, {1, 0}, {3, 5}}, {{2, 0}}),
         counter_reset},
        {"less in a bucket, and new ones",
         with_buckets({{0, 2}, {3, 5}, {4, 9}}, {{2, 1}}),
         counter_reset},
        {"less of all", changed(open, [](auto& h) { h.count -= 1; }), counter_reset},
        {"the hint says so",
         changed(more, [](auto& h) { h.reset_hint = CounterResetHint::reset; }),
         counter_reset},
        {"other schema", changed(more, [](auto& h) { h.schema = 2; }), other_layout},
        {"other zero threshold",
         changed(more, [](auto& h) { h.zero_threshold = 0.5; }),
         other_layout},
        {"a gauge",
         changed(more, [](auto& h) { h.reset_hint = CounterResetHint::gauge; }),
         other_layout},
    };
    for (const Case& c : cases) {
        CAPTURE(std::string(c.name));
        typename Kind::Appender appender;
        CHECK(appender.fit(Kind::convert(open)) == other_layout);
        appender.begin({1000}, Kind::convert(open), other_layout);
        CHECK(appender.fit(Kind::convert(c.sample)) == c.fit);
        CHECK(appender.append({2000}, Kind::convert(c.sample)) == c.fit);
        CHECK(appender.count() == (c.fit == appendable ? 2 : 1));
        const auto points = decode_bytes(Kind::kEncoding, std::string(appender.data()));
        REQUIRE_OK(points);
        REQUIRE(points->histograms.size() == appender.count());
        check_equal(points->histograms[0], open);
        if (c.fit == appendable) check_equal(points->histograms[1], c.sample);
    }
}

TEST_CASE_TEMPLATE("a gauge may shrink, and its chunk takes no counter", Kind, Integers, Floats) {
    FloatHistogram gauge = with_buckets({{0, 3}, {1, 4}});
    gauge.reset_hint = CounterResetHint::gauge;
    FloatHistogram less = with_buckets({{1, 1}, {5, 1}});
    less.reset_hint = CounterResetHint::gauge;
    typename Kind::Appender appender;
    appender.begin({1}, Kind::convert(gauge), HistogramFit::other_layout);
    CHECK(appender.append({2}, Kind::convert(less)) == HistogramFit::appendable);
    CHECK(appender.fit(Kind::convert(with_buckets({{9, 9}}))) == HistogramFit::other_layout);
    const auto points = decode_bytes(Kind::kEncoding, appender.data());
    REQUIRE_OK(points);
    REQUIRE(points->histograms.size() == 2);
    check_equal(points->histograms[1], less);
    CHECK(points->histograms[0].reset_hint == CounterResetHint::gauge);
    CHECK(points->histograms[1].reset_hint == CounterResetHint::gauge);
}

TEST_CASE_TEMPLATE("after a stale marker only stale markers fit", Kind, Integers, Floats) {
    const FloatHistogram h = with_buckets({{0, 3}});
    typename Kind::Appender appender;
    SUBCASE("that comes last") {
        appender.begin({1}, Kind::convert(h), HistogramFit::other_layout);
        CHECK(appender.append({2}, Kind::convert(kStale)) == HistogramFit::appendable);
    }
    SUBCASE("that comes first") {
        appender.begin({1}, Kind::convert(kStale), HistogramFit::other_layout);
        CHECK(appender.append({2}, Kind::convert(kStale)) == HistogramFit::appendable);
    }
    CHECK(appender.append({3}, Kind::convert(kStale)) == HistogramFit::appendable);
    CHECK(appender.append({4}, Kind::convert(h)) == HistogramFit::other_layout);
    const auto points = decode_bytes(Kind::kEncoding, appender.data());
    REQUIRE_OK(points);
    REQUIRE(points->histograms.size() == 3);
    CHECK(model::is_stale(points->histograms[1].sum));
    CHECK(points->histograms[1].positive_buckets.empty());
    CHECK(model::is_stale(points->histograms[2].sum));
}

TEST_CASE_TEMPLATE("the header says what is known of the chunk before", Kind, Integers, Floats) {
    struct Case {
        CounterResetHint hint;
        HistogramFit fit;
        int flags;
    };
    using enum CounterResetHint;
    const std::vector<Case> cases = {
        {unknown, HistogramFit::other_layout, 0x00},
        {unknown, HistogramFit::counter_reset, 0x80},
        {unknown, HistogramFit::appendable, 0x40},
        {unknown, HistogramFit::chunk_full, 0x40},
        {reset, HistogramFit::other_layout, 0x80},
        {gauge, HistogramFit::counter_reset, 0xC0},
    };
    for (const Case& c : cases) {
        FloatHistogram h = with_buckets({{0, 1}});
        h.reset_hint = c.hint;
        typename Kind::Appender appender;
        appender.begin({1}, Kind::convert(h), c.fit);
        CHECK(static_cast<unsigned char>(appender.data()[2]) == c.flags);
        // A wider layout does not lose it.
        FloatHistogram wider = with_buckets({{0, 1}, {2, 1}});
        wider.reset_hint = c.hint == gauge ? gauge : unknown;
        CHECK(appender.append({2}, Kind::convert(wider)) == HistogramFit::appendable);
        CHECK(static_cast<unsigned char>(appender.data()[2]) == c.flags);
        const auto points = decode_bytes(Kind::kEncoding, appender.data());
        REQUIRE_OK(points);
        CHECK(points->histograms[0].reset_hint == (c.hint == gauge ? gauge : unknown));
        CHECK(points->histograms[1].reset_hint == (c.hint == gauge ? gauge : not_reset));
    }
}

TEST_CASE_TEMPLATE(
    "a chunk is full at its size, but not before ten samples", Kind, Integers, Floats
) {
    typename Kind::Appender appender;
    const auto fill = [&](std::size_t buckets) {
        Buckets counts;
        for (std::size_t i = 0; i < buckets; ++i) counts[static_cast<std::int32_t>(2 * i)] = 1;
        appender.begin({0}, Kind::convert(with_buckets(counts)), HistogramFit::other_layout);
        for (std::int64_t i = 1;; ++i) {
            for (auto& [index, count] : counts) count += static_cast<double>(i * i * index);
            const auto sample = Kind::convert(with_buckets(counts));
            if (appender.append({i * 1000}, sample) == HistogramFit::chunk_full) return;
        }
    };
    fill(2);
    CHECK(appender.data().size() >= 1024);
    CHECK(appender.data().size() < 1100);
    CHECK(appender.count() > 10);
    fill(300);
    CHECK(appender.data().size() > 2000);
    CHECK(appender.count() == 10);
}

TEST_CASE_TEMPLATE("custom bounds are kept, and other bounds begin anew", Kind, Integers, Floats) {
    FloatHistogram h{
        .schema = model::kCustomBucketsSchema,
        .count = 6,
        .sum = 1,
        .positive_spans = {{0, 3}},
        .positive_buckets = {1, 2, 3},
        .custom_bounds = {-1.5, 0, 0.005, 1.0 / 3, 2.5, 33554.43, 33554.431},
    };
    typename Kind::Appender appender;
    appender.begin({1}, Kind::convert(h), HistogramFit::other_layout);
    const auto points = decode_bytes(Kind::kEncoding, appender.data());
    REQUIRE_OK(points);
    check_equal(points->histograms[0], h);
    h.custom_bounds.pop_back();
    CHECK(appender.fit(Kind::convert(h)) == HistogramFit::counter_reset);
    h.reset_hint = CounterResetHint::gauge;
    CHECK(appender.fit(Kind::convert(h)) == HistogramFit::other_layout);
}

TEST_CASE_TEMPLATE("zero thresholds are kept", Kind, Integers, Floats) {
    for (const double threshold : {0.0, 0x1p-243, 0x1p-244, 0x1p10, 0x1p11, 0.001, 1.0, 5e-324}) {
        CAPTURE(threshold);
        FloatHistogram h = with_buckets({{50, 1}});
        h.zero_threshold = threshold;
        typename Kind::Appender appender;
        appender.begin({1}, Kind::convert(h), HistogramFit::other_layout);
        const auto points = decode_bytes(Kind::kEncoding, appender.data());
        REQUIRE_OK(points);
        CHECK(points->histograms[0].zero_threshold == threshold);
    }
}

TEST_CASE_TEMPLATE(
    "any growing histograms are read back, within the range", Kind, Integers, Floats
) {
    SeededRandom random = test::seeded_random();
    const auto grow = [&](Buckets& buckets) {
        for (std::uint64_t i = random.below(4); i > 0; --i) {
            buckets[static_cast<std::int32_t>(random.below(30)) - 15] += double(random.below(1000));
        }
    };
    for (int round = 0; round < 100; ++round) {
        Buckets positive;
        Buckets negative;
        std::vector<FloatHistogram> histograms;
        typename Kind::Appender appender;
        for (std::int64_t i = 0; i < 20; ++i) {
            grow(positive);
            grow(negative);
            histograms.push_back(with_buckets(positive, negative));
            const auto sample = Kind::convert(histograms.back());
            if (i == 0) {
                appender.begin({0}, sample, HistogramFit::other_layout);
            } else {
                const HistogramFit fit = appender.append({i * 10}, sample);
                if (fit == HistogramFit::chunk_full) break;
                REQUIRE(fit == HistogramFit::appendable);
            }
        }
        const auto count = static_cast<std::int64_t>(appender.count());
        const TimeRange range{{11}, {(count - 2) * 10}};
        const auto points = decode_bytes(Kind::kEncoding, std::string(appender.data()), range);
        REQUIRE_OK(points);
        REQUIRE(
            static_cast<std::int64_t>(points->histograms.size()) ==
            std::max<std::int64_t>(count - 3, 0)
        );
        for (std::size_t i = 0; i < points->histograms.size(); ++i) {
            CHECK(points->histogram_times[i].ms == static_cast<std::int64_t>(i + 2) * 10);
            check_equal(points->histograms[i], histograms[i + 2]);
        }
    }
}

TEST_CASE("a chunk that is cut off is corrupt and leaves nothing behind") {
    for (const auto encoding : {Encoding::histogram, Encoding::float_histogram}) {
        const bool integers = encoding == Encoding::histogram;
        const std::string bytes = test::from_hex(integers ? kGoldenIntegers : kGoldenFloats);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            CAPTURE(size);
            const std::string cut = bytes.substr(0, size);
            Points points;
            const auto result = decode({kAlways, encoding, cut}, kAlways, points);
            REQUIRE_FALSE(result.has_value());
            CHECK(result.error().kind == ErrorKind::corrupt);
            CHECK(points.histograms.empty());
            CHECK(points.histogram_times.empty());
        }
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::chunkenc
