#include "model/histogram_arithmetic.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "model/histogram_buckets.hpp"
#include "support/test_support.hpp"

namespace mimir::model {
namespace {

/// Positive buckets of schema 0 from index 0, (0.5,1] on.
FloatHistogram positive(std::vector<double> counts, std::int32_t offset = 0) {
    FloatHistogram h;
    h.positive_spans = {{offset, static_cast<std::uint32_t>(counts.size())}};
    h.positive_buckets = std::move(counts);
    for (const double count : h.positive_buckets) h.count += count;
    h.sum = h.count;
    return h;
}

FloatHistogram custom(std::vector<double> bounds, std::vector<double> counts) {
    FloatHistogram h = positive(std::move(counts));
    h.schema = kCustomBucketsSchema;
    h.custom_bounds = std::move(bounds);
    return h;
}

FloatHistogram with_zero(FloatHistogram h, double threshold, double count) {
    h.zero_threshold = threshold;
    h.zero_count = count;
    h.count += count;
    return h;
}

FloatHistogram with_schema(FloatHistogram h, std::int32_t schema) {
    h.schema = schema;
    return h;
}

FloatHistogram with_hint(FloatHistogram h, CounterResetHint hint) {
    h.reset_hint = hint;
    return h;
}

double counts_in_buckets(const FloatHistogram& h) {
    double count = 0;
    for (BucketCursor cursor(h, BucketOrder::ascending); cursor.next();)
        count += cursor.bucket().count;
    return count;
}

TEST_SUITE_BEGIN("model/histogram_arithmetic");

TEST_CASE("histograms are added") {
    struct Case {
        const char* name;
        FloatHistogram a;
        FloatHistogram b;
        std::string sum;
    };
    const std::vector<Case> cases = {
        {"of one layout",
         positive({1, 2}),
         positive({3, 4}),
         "{count:10, sum:10, (0.5,1]:4, (1,2]:6}"},
        {"with different buckets",
         positive({1, 2}),
         positive({3, 4}, 3),
         "{count:10, sum:10, (0.5,1]:1, (1,2]:2, (4,8]:3, (8,16]:4}"},
        {"with overlapping buckets",
         positive({1, 2, 3}),
         positive({5, 7}, -1),
         "{count:18, sum:18, (0.25,0.5]:5, (0.5,1]:8, (1,2]:2, (2,4]:3}"},
        {"of different schemas",
         positive({1, 2, 4}, 1),
         with_schema(positive({1}, 1), -1),
         "{count:8, sum:8, (1,4]:4, (4,16]:4}"},
        {"with a wider zero bucket",
         with_zero(positive({1, 2, 4}), 0.001, 1),
         with_zero(positive({1}, 3), 1, 5),
         "{count:14, sum:8, [-1,1]:7, (1,2]:2, (2,4]:4, (4,8]:1}"},
        {"with a zero bucket that cuts a bucket",
         with_zero(positive({1, 2, 4}), 0.001, 1),
         with_zero(positive({1}, 3), 1.5, 5),
         "{count:14, sum:8, [-2,2]:9, (2,4]:4, (4,8]:1}"},
        {"with a zero bucket that cuts an empty bucket",
         with_zero(positive({1, 0, 4}), 0.001, 1),
         with_zero(positive({1}, 3), 1.5, 5),
         "{count:12, sum:6, [-1.5,1.5]:7, (2,4]:4, (4,8]:1}"},
        {"where the cut goes back and forth",
         with_schema(with_zero(positive({1, 2}), 0.6, 1), 0),
         with_schema(with_zero(positive({8}, 0), 0.001, 1), -1),
         "{count:13, sum:11, [-1,1]:11, (1,4]:2}"},
        {"with custom buckets",
         custom({1, 5}, {1, 2, 3}),
         custom({1, 5}, {4, 5, 6}),
         "{count:21, sum:21, [-Inf,1]:5, (1,5]:7, (5,+Inf]:9}"},
        {"with the custom bounds they share",
         custom({1, 2, 5}, {1, 2, 3, 4}),
         custom({1, 3, 5, 7}, {1, 1, 1, 1, 1}),
         "{count:15, sum:15, [-Inf,1]:2, (1,5]:7, (5,+Inf]:6}"},
        {"with no custom bound in common",
         custom({1}, {1, 2}),
         custom({2}, {3, 4}),
         "{count:10, sum:10, [-Inf,+Inf]:10}"},
    };
    for (const Case& c : cases) {
        CAPTURE(std::string(c.name));
        FloatHistogram sum = c.a;
        CHECK(add(sum, c.b).compatible);
        CHECK(to_string(sum) == c.sum);
        sum = c.b;
        add(sum, c.a);
        CHECK(to_string(sum) == c.sum);
        HistogramSum compensated(c.a);
        compensated.add(c.b);
        CHECK(to_string(compensated.result()) == c.sum);
    }
}

TEST_CASE("the negative side is added like the positive one") {
    FloatHistogram a{.count = 3, .negative_spans = {{0, 2}}, .negative_buckets = {1, 2}};
    const FloatHistogram b{
        .schema = -1, .count = 4, .negative_spans = {{0, 2}}, .negative_buckets = {1, 3}
    };
    add(a, b);
    CHECK(to_string(a) == "{count:7, sum:0, [-4,-1):5, [-1,-0.25):2}");
}

TEST_CASE("no count is lost, whatever is added") {
    SeededRandom random = test::seeded_random();
    const auto any_side = [&](std::vector<BucketSpan>& spans, std::vector<double>& counts) {
        for (std::uint64_t i = random.below(4); i > 0; --i) {
            const auto gap = static_cast<std::int32_t>(random.below(5));
            const auto length = static_cast<std::uint32_t>(random.below(4));
            spans.push_back({spans.empty() ? gap - 3 : gap, length});
            for (std::uint32_t k = 0; k < length; ++k) counts.push_back(double(random.below(4)));
        }
    };
    const auto any_histogram = [&] {
        FloatHistogram h;
        h.schema = static_cast<std::int32_t>(random.below(5)) - 2;
        any_side(h.positive_spans, h.positive_buckets);
        any_side(h.negative_spans, h.negative_buckets);
        // Below all buckets but for those that the zero bucket of another reaches.
        const double thresholds[] = {0, 1e-5, 1e-4};
        h.zero_threshold = thresholds[random.below(3)];
        h.zero_count = h.zero_threshold == 0 ? 0 : double(random.below(4));
        h.count = h.zero_count;
        for (const double count : h.positive_buckets) h.count += count;
        for (const double count : h.negative_buckets) h.count += count;
        return h;
    };
    for (int round = 0; round < 2000; ++round) {
        const FloatHistogram a = any_histogram();
        FloatHistogram b = any_histogram();
        if (random.below(2) == 0) b = with_zero(b, 0.3 + double(random.below(8)), 1);
        FloatHistogram sum = a;
        add(sum, b);
        CAPTURE(to_string(a));
        CAPTURE(to_string(b));
        CAPTURE(to_string(sum));
        CHECK(sum.schema == std::min(a.schema, b.schema));
        CHECK(sum.count == a.count + b.count);
        CHECK(sum.zero_threshold >= std::max(a.zero_threshold, b.zero_threshold));
        if (b.zero_threshold < 0.3) CHECK(counts_in_buckets(sum) == sum.count);
        // Taking away what was added leaves what was there, in the common layout.
        FloatHistogram difference = sum;
        subtract(difference, b);
        if (b.zero_threshold < 0.3) CHECK(counts_in_buckets(difference) == a.count);
        if (b.zero_threshold < 0.3) CHECK_FALSE(is_counter_reset(a, sum));
    }
}

TEST_CASE("the difference is a gauge") {
    FloatHistogram a = positive({4, 4});
    const Combination combination = subtract(a, positive({1, 2}));
    CHECK(combination.compatible);
    CHECK(a.reset_hint == CounterResetHint::gauge);
    CHECK(to_string(a) == "{count:5, sum:5, (0.5,1]:3, (1,2]:2}");
}

TEST_CASE("exponential and custom buckets do not go together") {
    FloatHistogram a = positive({1});
    const FloatHistogram before = a;
    CHECK_FALSE(add(a, custom({1}, {1})).compatible);
    CHECK_FALSE(subtract(a, custom({1}, {1})).compatible);
    CHECK(a == before);
    HistogramSum sum(a);
    CHECK_FALSE(sum.add(custom({1}, {1})).compatible);
}

TEST_CASE("that custom bounds were reconciled is said") {
    FloatHistogram a = custom({1, 2}, {1, 1, 1});
    CHECK_FALSE(add(a, custom({1, 2}, {1, 1, 1})).bounds_reconciled);
    CHECK(add(a, custom({1, 3}, {1, 1, 1})).bounds_reconciled);
    CHECK(a.custom_bounds == std::vector<double>{1});
}

TEST_CASE("the hint of a sum") {
    using enum CounterResetHint;
    struct Case {
        CounterResetHint a;
        CounterResetHint b;
        CounterResetHint sum;
        bool conflict;
    };
    const std::vector<Case> cases = {
        {unknown, unknown, unknown, false},
        {reset, reset, reset, false},
        {not_reset, not_reset, not_reset, false},
        {gauge, reset, gauge, false},
        {unknown, gauge, gauge, false},
        {unknown, reset, unknown, false},
        {not_reset, unknown, unknown, false},
        {reset, not_reset, unknown, true},
        {not_reset, reset, unknown, true},
    };
    for (const Case& c : cases) {
        CAPTURE(static_cast<int>(c.a));
        CAPTURE(static_cast<int>(c.b));
        FloatHistogram sum = with_hint(positive({1}), c.a);
        CHECK(add(sum, with_hint(positive({1}), c.b)).conflicting_resets == c.conflict);
        CHECK(sum.reset_hint == c.sum);
    }
}

TEST_CASE("a compensated sum keeps what rounding loses") {
    FloatHistogram large = positive({1e16});
    HistogramSum sum(large);
    FloatHistogram plain = large;
    for (int i = 0; i < 10; ++i) {
        sum.add(positive({1}));
        add(plain, positive({1}));
    }
    CHECK(plain.count == 1e16);
    CHECK(sum.result().count == 1e16 + 10);
    CHECK(sum.result().positive_buckets[0] == 1e16 + 10);
    CHECK(sum.uncorrected().count == 1e16);
    sum.divide(2);
    CHECK(sum.result().count == 5e15 + 5);
}

TEST_CASE("a compensated sum that overflows is infinite, not NaN") {
    HistogramSum sum(positive({std::numeric_limits<double>::max()}));
    sum.add(positive({std::numeric_limits<double>::max()}));
    sum.add(positive({1}));
    CHECK(sum.result().count == std::numeric_limits<double>::infinity());
}

TEST_CASE("multiplication and division") {
    FloatHistogram h = with_zero(positive({1, 2}), 0.1, 3);
    multiply(h, 2);
    CHECK(to_string(h) == "{count:12, sum:6, [-0.1,0.1]:6, (0.5,1]:2, (1,2]:4}");
    CHECK(h.reset_hint == CounterResetHint::unknown);
    divide(h, -2);
    CHECK(to_string(h) == "{count:-6, sum:-3, [-0.1,0.1]:-3, (0.5,1]:-1, (1,2]:-2}");
    CHECK(h.reset_hint == CounterResetHint::gauge);
    divide(h, 0);
    CHECK(to_string(h) == "{count:-Inf, sum:-Inf, [-0.1,0.1]:-Inf}");
}

TEST_CASE("compacting leaves the buckets that count") {
    FloatHistogram h{
        .positive_spans = {{0, 3}, {0, 2}, {3, 0}, {0, 2}},
        .negative_spans = {{5, 1}},
        .positive_buckets = {0, 1, 0, 2, 3, 4, 0},
        .negative_buckets = {0},
    };
    compact(h);
    CHECK(h.positive_spans == std::vector<BucketSpan>{{1, 1}, {1, 2}, {3, 1}});
    CHECK(h.positive_buckets == std::vector<double>{1, 2, 3, 4});
    CHECK(h.negative_spans.empty());
    CHECK(h.negative_buckets.empty());
}

TEST_CASE("equality looks at bits and buckets, not at hints and the cut of spans") {
    const FloatHistogram a = positive({1, 2});
    FloatHistogram b = with_hint(a, CounterResetHint::gauge);
    CHECK(equal(a, b));
    b.positive_spans = {{0, 1}, {0, 0}, {0, 1}};
    CHECK(equal(a, b));
    b.positive_spans = {{0, 1}, {1, 1}};
    CHECK_FALSE(equal(a, b));
    b = a;
    b.sum = std::nan("");
    CHECK(equal(b, b));
    CHECK_FALSE(equal(a, b));
    CHECK_FALSE(equal(a, positive({1, 2, 0})));
    CHECK_FALSE(equal(a, with_schema(a, 1)));
}

TEST_CASE("counter resets") {
    struct Case {
        const char* name;
        FloatHistogram previous;
        FloatHistogram current;
        bool reset;
    };
    const FloatHistogram base = positive({1, 2, 0});
    const std::vector<Case> cases = {
        {"the same", base, base, false},
        {"more in a bucket", base, positive({1, 3, 0}), false},
        {"a new bucket", base, positive({1, 2, 0, 5}), false},
        {"the hint says reset", base, with_hint(base, CounterResetHint::reset), true},
        {"the hint says not", base, with_hint(positive({0}), CounterResetHint::not_reset), false},
        {"a gauge is looked at", base, with_hint(positive({0, 5, 0}), CounterResetHint::gauge), true
        },
        {"the count shrinks", base, positive({1, 1, 0}), true},
        {"a bucket shrinks", base, positive({0, 5, 0}), true},
        {"a bucket vanishes", base, positive({5, 0}, 1), true},
        {"an empty bucket vanishes", base, positive({1, 2}), false},
        {"a finer schema", base, with_schema(positive({9, 9, 9, 9}, -1), 1), true},
        {"a coarser schema", base, with_schema(positive({1, 2}), -1), false},
        {"a coarser schema, less in a bucket", base, with_schema(positive({4, 1}), -1), true},
        {"a wider zero bucket", base, with_zero(positive({2}, 1), 1, 1), false},
        {"a wider zero bucket with less in it", base, with_zero(positive({9}, 1), 1, 0), true},
        {"a wider zero bucket that cuts a bucket", base, with_zero(positive({9}, 2), 1.5, 9), true},
        {"a narrower zero bucket", with_zero(base, 0.1, 1), with_zero(base, 0.01, 1), true},
        {"less in the zero bucket",
         with_zero(base, 0.1, 2),
         with_zero(positive({1, 3, 0}), 0.1, 1),
         true},
        {"other custom bounds, fewer between those shared",
         custom({1, 2}, {3, 1, 1}),
         custom({1, 3}, {2, 3, 3}),
         true},
        {"other custom bounds, no fewer between those shared",
         custom({1}, {1, 1}),
         custom({2}, {5, 5}),
         false},
        {"custom bounds, more in a bucket", custom({1}, {1, 1}), custom({1}, {1, 2}), false},
        {"other kind of buckets", base, custom({1}, {9, 9}), true},
    };
    for (const Case& c : cases) {
        CAPTURE(std::string(c.name));
        CHECK(is_counter_reset(c.previous, c.current) == c.reset);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::model
