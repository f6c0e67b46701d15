#include "conformance/runner.hpp"

#include "conformance/comparison.hpp"
#include "model/sample.hpp"
#include "support/test_support.hpp"

namespace mimir::conformance {
namespace {

TEST_SUITE_BEGIN("conformance/runner");

constexpr std::string_view kData = R"(
load 1m
  up{job="a"} 1 2 3
  up{job="b"} 4 5 6
  h {{schema:0 count:3 sum:5 buckets:[1 2]}}

)";

Outcome run(std::string_view eval) {
    const auto outcomes = run_script(std::string(kData) + std::string(eval));
    REQUIRE_OK(outcomes);
    REQUIRE(outcomes->size() == 1);
    return outcomes->front();
}

TEST_CASE("an eval passes when all is as expected") {
    for (const std::string_view eval :
         {"eval instant at 1m up\n up{job=\"a\"} 2\n up{job=\"b\"} 5",
          "eval instant at 1m 2\n 2.0000001",
          "eval instant at 1m \"x\"\n expect string \"x\"",
          "eval range from 0 to 2m step 1m up{job=\"a\"}\n up{job=\"a\"} 1 2 3",
          "eval instant at 2m up{job=\"a\"}[2m]\n expect range vector from 1m to 2m step 1m\n "
          "up{job=\"a\"} 2 3",
          "eval instant at 0 h\n h {{schema:0 count:3 sum:5 buckets:[0 1 2] offset:-1}}",
          "eval instant at 0 up +\n expect fail msg: 1:5: parse error: unexpected end of input",
          "eval instant at 9m up"}) {
        CAPTURE(eval);
        const Outcome outcome = run(eval);
        CAPTURE(outcome.detail);
        CHECK(outcome.verdict == Verdict::passed);
    }
}

TEST_CASE("an eval is wrong when anything is not as expected") {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"eval instant at 1m up\n up{job=\"a\"} 2", "up{job=\"b\"} 5 too much"},
        {"eval instant at 1m up{job=\"a\"}\n up{job=\"a\"} 2\n up{job=\"b\"} 5",
         "up{job=\"b\"} is missing"},
        {"eval instant at 1m up{job=\"a\"}\n up{job=\"a\"} 2.00001",
         "up{job=\"a\"} 2 instead of 2.00001"},
        {"eval instant at 1m 2\n 3", "2 instead of 3"},
        {"eval instant at 1m 2\n {} 2", "a scalar, 2"},
        {"eval instant at 1m \"x\"\n expect string \"y\"", "the string \"x\""},
        {"eval instant at 1m up{job=\"a\"}\n expect fail", "success instead of an error"},
        {"eval instant at 1m up{job=\"a\"}\n expect warn\n up{job=\"a\"} 2", "no warning"},
        {"eval instant at 1m up +\n expect fail msg: x",
         "the error \"1:5: parse error: unexpected end of input\" instead of the one expected"},
        {"eval range from 0 to 1m step 1m up{job=\"a\"}\n up{job=\"a\"} 1",
         "up{job=\"a\"} has samples too much: 1@0 2@60000"},
        {"eval range from 0 to 1m step 1m up{job=\"a\"}\n up{job=\"a\"} 1 _",
         "up{job=\"a\"} at 60000 ms 2 instead of no sample; all: 1@0 2@60000"},
    };
    for (const auto& [eval, expected] : cases) {
        CAPTURE(eval);
        const Outcome outcome = run(eval);
        CHECK(outcome.verdict == Verdict::wrong);
        CHECK(outcome.detail == expected);
    }
    CHECK(
        run("eval instant at 0 h\n h {{schema:0 count:3 sum:5 buckets:[1 2] offset:1}}").verdict ==
        Verdict::wrong
    );
    CHECK(
        run("eval instant at 0 h\n h {{schema:0 count:3 sum:5 buckets:[1 2] "
            "counter_reset_hint:gauge}}")
            .verdict == Verdict::wrong
    );
}

TEST_CASE("classic histograms are also loaded in their native form") {
    const auto outcomes = run_script(R"(
load_with_nhcb 1m
  d_bucket{le="0.5"} 1
  d_bucket{le="1"} 4
  d_bucket{le="+Inf"} 6
  d_sum 5
  d_count 6

eval instant at 0 d
  d {{schema:-53 custom_values:[0.5 1] buckets:[1 3 2] sum:5 count:6}}

eval instant at 0 d_count
  d_count 6
)");
    REQUIRE_OK(outcomes);
    for (const Outcome& outcome : *outcomes)
        CHECK_MESSAGE(outcome.verdict == Verdict::passed, outcome.detail);
}

TEST_CASE("values are equal within a relative error") {
    CHECK(almost_equal(1, 1 + 1e-7));
    CHECK_FALSE(almost_equal(1, 1 + 1e-5));
    CHECK(almost_equal(HUGE_VAL, HUGE_VAL));
    CHECK_FALSE(almost_equal(HUGE_VAL, -HUGE_VAL));
    CHECK_FALSE(almost_equal(0, 1e-300));
    CHECK(almost_equal(model::kNormalNan, -model::kNormalNan));
    CHECK_FALSE(almost_equal(model::kStaleNan, model::kNormalNan));
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::conformance
