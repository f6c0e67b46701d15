#include "conformance/series_notation.hpp"

#include "model/sample.hpp"
#include "support/test_support.hpp"

namespace mimir::conformance {
namespace {

TEST_SUITE_BEGIN("conformance/series_notation");

/// The values of a line, gaps as _ and histograms as their counts in braces.
std::string values(std::string_view notation) {
    const auto series = parse_series("x " + std::string(notation));
    if (!series) return series.error().message;
    std::string out;
    for (const Value& value : series->values) {
        if (!out.empty()) out += ' ';
        if (const auto* number = std::get_if<double>(&value)) {
            out += model::is_stale(*number) ? "stale" : fmt::format("{}", *number);
        } else if (const auto* histogram = std::get_if<Histogram>(&value)) {
            out += fmt::format("{{{}}}", histogram->value->count);
        } else {
            out += '_';
        }
    }
    return out;
}

TEST_CASE("values and their repetitions") {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"1 -2.5  +3 1e3 .5", "1 -2.5 3 1000 0.5"},
        {"Inf -inf NaN stale", "inf -inf nan stale"},
        {"_ 1 _x3 2", "_ 1 _ _ _ 2"},
        {"7x2", "7 7 7"},
        {"0+10x3 5-1x2", "0 10 20 30 5 4 3"},
        {"-1+2x1", "-1 1"},
        {"1+-2x1", "expected a number at \"-2x1\""},
        {"1+2", "expected how often to repeat at \"\""},
        {"1a", "expected a space between values at \"a\""},
        {"{{count:3}} {{count:1 sum:2}}x1", "{3} {1} {1}"},
        {"{{count:3}}+{{count:2}}x2", "{3} {5} {7}"},
        {"{{count:5}}-{{count:2}}x1", "{5} {3}"},
        {"{{cnt:5}}", "a histogram has no field \"cnt\""},
        {"{{schema:-53 custom_values:[1 2]}}+{{schema:0}}x1",
         "expected histograms that can be combined at \"\""},
    };
    for (const auto& [notation, expected] : cases) {
        CAPTURE(notation);
        CHECK(values(notation) == expected);
    }
}

TEST_CASE("labels") {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"up 1", "up"},
        {"up{job=\"a b\",x='y',} 1", "up{job=\"a b\",x=\"y\"}"},
        {"{} 1", ""},
        {"{job=\"a\"} 1", "{job=\"a\"}"},
        {"{\"up\", job=\"a\"} 1", "up{job=\"a\"}"},
        {"a:b{__name__=\"c\"}", "c"},
    };
    for (const auto& [line, expected] : cases) {
        CAPTURE(line);
        const auto series = parse_series(line);
        REQUIRE_OK(series);
        CHECK(series->labels == test::labels(expected));
    }
    for (const std::string_view line :
         {"up{", "up{a}", "up{a=1}", "up{a=\"b\" c=\"d\"}", "up{a=\"b\"}1"}) {
        CAPTURE(line);
        CHECK_FALSE(parse_series(line).has_value());
    }
}

TEST_CASE("a histogram with all its fields") {
    const auto series = parse_series(
        "h {{schema:1 sum:-0.3 count:22 z_bucket:4 z_bucket_w:0.5 buckets:[5 10 7] offset:-3 "
        "n_buckets:[4 5.5] "
        "n_offset:2 counter_reset_hint:gauge}}"
    );
    REQUIRE_OK(series);
    const auto& histogram = std::get<Histogram>(series->values.at(0));
    CHECK(histogram.has_reset_hint);
    CHECK(
        *histogram.value ==
        model::FloatHistogram{
            .reset_hint = model::CounterResetHint::gauge,
            .schema = 1,
            .zero_threshold = 0.5,
            .zero_count = 4,
            .count = 22,
            .sum = -0.3,
            .positive_spans = {{-3, 3}},
            .negative_spans = {{2, 2}},
            .positive_buckets = {5, 10, 7},
            .negative_buckets = {4, 5.5},
            .custom_bounds = {},
        }
    );
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::conformance
