#include "model/histogram_buckets.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "support/test_support.hpp"

namespace mimir::model {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kMax = std::numeric_limits<double>::max();

/// Negative buckets -2..-1 and -1..-0.5, a zero bucket, positive 0.5..1, (gap), 2..4.
FloatHistogram both_sides() {
    return {
        .zero_threshold = 0.25,
        .zero_count = 2,
        .count = 14,
        .sum = -1.5,
        .positive_spans = {{0, 1}, {1, 1}},
        .negative_spans = {{0, 2}},
        .positive_buckets = {3, 4},
        .negative_buckets = {1, 4},
    };
}

std::vector<Bucket> walk(const FloatHistogram& h, BucketOrder order) {
    std::vector<Bucket> buckets;
    for (BucketCursor cursor(h, order); cursor.next();) buckets.push_back(cursor.bucket());
    return buckets;
}

TEST_SUITE_BEGIN("model/histogram_buckets");

TEST_CASE("exponential bounds") {
    struct Case {
        std::int32_t schema;
        std::int32_t index;
        double bound;
    };
    const std::vector<Case> cases = {
        {0, 0, 1},
        {0, 1, 2},
        {0, -1, 0.5},
        {0, 1023, std::ldexp(1, 1023)},
        {0, 1024, kMax},
        {0, 1025, kInfinity},
        {-1, 1, 4},
        {-4, 1, 65536},
        {-4, 64, kMax},
        {-4, 65, kInfinity},
        {1, 2, 2},
        {1, 1, std::sqrt(2)},
        {1, -1, 1 / std::sqrt(2)},
        {3, 8, 2},
        {8, 256, 2},
        {8, -256, 0.5},
        {8, 1024 * 256, kMax},
        {2, -4, 0.5},
        {2, 5, 2 * std::pow(2, 0.25)},
    };
    for (const Case& c : cases) {
        CAPTURE(c.schema);
        CAPTURE(c.index);
        if (std::isinf(c.bound)) {
            CHECK(exponential_bound(c.index, c.schema) == c.bound);
        } else {
            CHECK(exponential_bound(c.index, c.schema) == doctest::Approx(c.bound).epsilon(1e-15));
        }
    }
}

TEST_CASE("a coarser index covers the bounds of the finer one") {
    for (std::int32_t index = -20; index <= 20; ++index) {
        for (std::int32_t steps = 0; steps <= 5; ++steps) {
            CAPTURE(index);
            CAPTURE(steps);
            const std::int32_t coarse = coarser_index(index, steps);
            CHECK(
                exponential_bound(coarse, 3 - steps) >= exponential_bound(index, 3) * (1 - 1e-15)
            );
            CHECK(
                exponential_bound(coarse - 1, 3 - steps) <=
                exponential_bound(index - 1, 3) * (1 + 1e-15)
            );
        }
    }
}

TEST_CASE("all buckets are walked over, up and down") {
    const FloatHistogram h = both_sides();
    const std::vector<Bucket> up = walk(h, BucketOrder::ascending);
    REQUIRE(up.size() == 5);
    const std::vector<double> lowers = {-2, -1, -0.25, 0.5, 2};
    const std::vector<double> uppers = {-1, -0.5, 0.25, 1, 4};
    const std::vector<double> counts = {4, 1, 2, 3, 4};
    for (std::size_t i = 0; i < up.size(); ++i) {
        CAPTURE(i);
        CHECK(up[i].lower == lowers[i]);
        CHECK(up[i].upper == uppers[i]);
        CHECK(up[i].count == counts[i]);
        CHECK(up[i].lower_inclusive == (i <= 2));
        CHECK(up[i].upper_inclusive == (i >= 2));
    }
    const std::vector<Bucket> down = walk(h, BucketOrder::descending);
    REQUIRE(down.size() == 5);
    for (std::size_t i = 0; i < down.size(); ++i) CHECK(down[i].lower == lowers[4 - i]);
}

TEST_CASE("an empty zero bucket is left out, empty spans are stepped over") {
    FloatHistogram h = both_sides();
    h.zero_count = 0;
    h.positive_spans = {{0, 0}, {0, 1}, {0, 0}, {1, 1}, {7, 0}};
    for (const auto order : {BucketOrder::ascending, BucketOrder::descending}) {
        const std::vector<Bucket> buckets = walk(h, order);
        REQUIRE(buckets.size() == 4);
        CHECK(buckets[order == BucketOrder::ascending ? 3 : 0].upper == 4);
    }
    CHECK(walk(FloatHistogram{}, BucketOrder::ascending).empty());
    CHECK(walk(FloatHistogram{}, BucketOrder::descending).empty());
}

TEST_CASE("what overlaps the zero bucket is shown without the overlap") {
    FloatHistogram h = both_sides();
    h.zero_threshold = 0.75;
    const std::vector<Bucket> buckets = walk(h, BucketOrder::ascending);
    REQUIRE(buckets.size() == 5);
    CHECK(buckets[1].upper == -0.75);
    CHECK(buckets[3].lower == 0.75);
}

TEST_CASE("custom buckets go from the lowest to the highest infinity") {
    const FloatHistogram h{
        .schema = kCustomBucketsSchema,
        .count = 6,
        .sum = 7,
        .positive_spans = {{0, 3}},
        .positive_buckets = {1, 2, 3},
        .custom_bounds = {-5, 10},
    };
    const std::vector<Bucket> buckets = walk(h, BucketOrder::ascending);
    REQUIRE(buckets.size() == 3);
    CHECK(buckets[0].lower == -kInfinity);
    CHECK(buckets[0].upper == -5);
    CHECK(buckets[1].lower == -5);
    CHECK(buckets[2].upper == kInfinity);
    CHECK(to_string(h) == "{count:6, sum:7, [-Inf,-5]:1, (-5,10]:2, (10,+Inf]:3}");
}

TEST_CASE("histograms are shown as Prometheus shows them") {
    FloatHistogram h = both_sides();
    CHECK(
        to_string(h) ==
        "{count:14, sum:-1.5, [-2,-1):4, [-1,-0.5):1, [-0.25,0.25]:2, (0.5,1]:3, (2,4]:4}"
    );
    h.positive_buckets[0] = 0;
    h.zero_count = 0;
    h.count = 1e6;
    h.sum = std::numeric_limits<double>::quiet_NaN();
    h.zero_threshold = 1e-10;
    CHECK(to_string(h) == "{count:1e+06, sum:NaN, [-2,-1):4, [-1,-0.5):1, (2,4]:4}");
    h.count = 123456;
    h.sum = 0.00001234;
    h.zero_count = 0.5;
    CHECK(
        to_string(h) ==
        "{count:123456, sum:1.234e-05, [-2,-1):4, [-1,-0.5):1, [-1e-10,1e-10]:0.5, (2,4]:4}"
    );
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::model
