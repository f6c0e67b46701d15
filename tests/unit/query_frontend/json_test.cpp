#include "components/query_frontend/json.hpp"

#include <cmath>
#include <limits>

#include "support/test_support.hpp"

namespace mimir::query_frontend {
namespace {

using test::labels;

template <class... Args>
std::string written(void (*append)(std::string&, Args...), std::type_identity_t<Args>... args) {
    std::string out;
    append(out, args...);
    return out;
}

std::string json(promql::QueryResult result, std::size_t limit = 0) {
    std::string out;
    append_result(out, result, limit);
    return out;
}

TEST_SUITE_BEGIN("query_frontend/json");

TEST_CASE("values are the shortest decimals that read back the same") {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const struct {
        double value;
        std::string_view text;
        std::string_view plain;
    } cases[] = {
        {0, "0", "0"},
        {-0.0, "-0", "-0"},
        {1, "1", "1"},
        {-1.5, "-1.5", "-1.5"},
        {0.1, "0.1", "0.1"},
        {1e-6, "0.000001", "0.000001"},
        {1e-7, "1e-07", "0.0000001"},
        {-1.25e-7, "-1.25e-07", "-0.000000125"},
        {123456789012345680, "123456789012345680", "123456789012345680"},
        {9007199254740992, "9007199254740992", "9007199254740992"},
        {9223372036854775807.0, "9223372036854776000", "9223372036854776000"},
        {1e20, "100000000000000000000", "100000000000000000000"},
        {1e21, "1e+21", "1000000000000000000000"},
        {1.5e300, "1.5e+300", {}},
        {std::numeric_limits<double>::max(), "1.7976931348623157e+308", {}},
        {5e-324, "5e-324", {}},
        {kInfinity, "+Inf", "+Inf"},
        {-kInfinity, "-Inf", "-Inf"},
        {std::nan(""), "NaN", "NaN"},
        {1435781451.781, "1435781451.781", "1435781451.781"},
    };
    for (const auto& c : cases) {
        CHECK(written(append_value, c.value) == c.text);
        if (!c.plain.empty()) CHECK(written(append_plain_value, c.value) == c.plain);
    }
    CHECK(written(append_plain_value, 1.5e300).size() == 301);
    CHECK(written(append_plain_value, 5e-324).size() == 326);
}

TEST_CASE("timestamps are seconds with three decimals, or none") {
    CHECK(written(append_timestamp, {1435781451781}) == "1435781451.781");
    CHECK(written(append_timestamp, {1050}) == "1.050");
    CHECK(written(append_timestamp, {7000}) == "7");
    CHECK(written(append_timestamp, {-1}) == "-0.001");
    CHECK(written(append_timestamp, TimestampMs::min()) == "-9223372036854775.808");
}

TEST_CASE("strings are escaped, and what is not UTF-8 is replaced") {
    CHECK(written(append_string, "a\"b\\c\n\t\x01", Escape::json) == R"("a\"b\\c\n\t\u0001")");
    CHECK(written(append_string, "<é😀>&", Escape::json) == "\"<é😀>&\"");
    CHECK(written(append_string, "<>&", Escape::html) == R"("\u003c\u003e\u0026")");
    CHECK(written(append_string, "\xE2\x80\xA8\xE2\x80\xA9", Escape::html) == R"("\u2028\u2029")");
    CHECK(written(append_string, "a\xFFz\xE2\x82", Escape::json) == "\"a\uFFFDz\uFFFD\uFFFD\"");
}

TEST_CASE("every type of result") {
    CHECK(
        json({promql::Scalar{{1500}, 1e21}}) ==
        R"("resultType":"scalar","result":[1.5,"1000000000000000000000"])"
    );
    CHECK(
        json({promql::String{{1000}, "<x>"}}) ==
        R"("resultType":"string","result":[1,"\u003cx\u003e"])"
    );
    CHECK(json({promql::Vector{}}) == R"("resultType":"vector","result":[])");
    CHECK(
        json({promql::Vector{{.labels = {}, .time = {1050}, .value = 2}}}) ==
        R"("resultType":"vector","result":[{"metric":{},"value":[1.050,"2"]}])"
    );
    CHECK(
        json({promql::Matrix{{labels("up{job=\"a\"}"), {{{1000}, 1}, {{2000}, 0.5}}, {}}}}) ==
        R"("resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a"},)"
        R"("values":[[1,"1"],[2,"0.5"]]}])"
    );
}

TEST_CASE("a limit cuts the number of series and says so") {
    promql::QueryResult result{
        promql::Vector{{.labels = labels("a"), .time = {0}}, {.labels = labels("b"), .time = {0}}}
    };
    std::string out;
    CHECK(append_result(out, result, 1));
    CHECK(out == R"("resultType":"vector","result":[{"metric":{"__name__":"a"},"value":[0,"0"]}])");
    out.clear();
    CHECK_FALSE(append_result(out, result, 2));
}

TEST_CASE("long series are written in pieces without losing a comma") {
    promql::MatrixSeries series{labels("a"), {}, {}};
    for (int i = 0; i < 5000; ++i) series.floats.push_back({{i * 1000 + 1}, i + 0.25});
    const std::string out = json({promql::Matrix{series}});
    std::string expected =
        R"("resultType":"matrix","result":[{"metric":{"__name__":"a"},"values":[)";
    for (int i = 0; i < 5000; ++i)
        expected += fmt::format("{}[{}.001,\"{}.25\"]", i == 0 ? "" : ",", i, i);
    CHECK(out == expected + "]}]");
}

TEST_CASE("histograms have ascending buckets with their boundary rules") {
    const model::FloatHistogram histogram{
        .schema = 0,
        .zero_threshold = 0.25,
        .zero_count = 2,
        .count = 9,
        .sum = 18.5,
        .positive_spans = {{0, 2}, {1, 1}},
        .negative_spans = {{1, 1}},
        .positive_buckets = {3, 0, 3},
        .negative_buckets = {1},
    };
    CHECK(
        written(append_histogram, histogram) ==
        R"({"count":"9","sum":"18.5","buckets":[[1,"-2","-1","1"],[3,"-0.25","0.25","2"],)"
        R"([0,"0.5","1","3"],[0,"4","8","3"]]})"
    );
    CHECK(written(append_histogram, model::FloatHistogram{}) == R"({"count":"0","sum":"0"})");
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::query_frontend
