#include "model/histogram_validation.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "support/test_support.hpp"

namespace mimir::model {
namespace {

const FloatHistogram kValid{
    .count = 3, .positive_spans = {{-2, 1}, {1, 1}}, .positive_buckets = {1, 2}
};
const FloatHistogram kCustom{
    .schema = kCustomBucketsSchema,
    .count = 3,
    .positive_spans = {{0, 1}, {1, 1}},
    .positive_buckets = {1, 2},
    .custom_bounds = {1, 2},
};

TEST_SUITE_BEGIN("model/histogram_validation");

TEST_CASE("what arithmetic relies on is checked") {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    struct Case {
        const char* name;
        FloatHistogram base;
        void (*spoil)(FloatHistogram&);
    };
    const std::vector<Case> cases = {
        {"an unknown schema", kValid, [](auto& h) { h.schema = 9; }},
        {"a bucket too few", kValid, [](auto& h) { h.positive_buckets.pop_back(); }},
        {"a negative gap", kValid, [](auto& h) { h.positive_spans[1].offset = -1; }},
        {"an index too high", kValid, [](auto& h) { h.positive_spans[1].offset = INT32_MAX; }},
        {"an index too low", kValid, [](auto& h) { h.positive_spans[0].offset = INT32_MIN; }},
        {"a negative count", kValid, [](auto& h) { h.positive_buckets[0] = -1; }},
        {"a negative zero threshold", kValid, [](auto& h) { h.zero_threshold = -1; }},
        {"a zero threshold of NaN", kValid, [](auto& h) { h.zero_threshold = std::nan(""); }},
        {"an infinite zero threshold", kValid, [](auto& h) { h.zero_threshold = kInfinity; }},
        {"bounds that fall", kCustom, [](auto& h) { h.custom_bounds = {2, 1}; }},
        {"a bound of NaN", kCustom, [](auto& h) { h.custom_bounds[0] = std::nan(""); }},
        {"a bucket below the first", kCustom, [](auto& h) { h.positive_spans[0].offset = -1; }},
        {"a bucket above the last", kCustom, [](auto& h) { h.positive_spans[1].offset = 2; }},
    };
    for (const Case& c : cases) {
        CAPTURE(std::string(c.name));
        REQUIRE_OK(validate(c.base));
        FloatHistogram h = c.base;
        c.spoil(h);
        const auto result = validate(h);
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().kind == ErrorKind::invalid);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::model
