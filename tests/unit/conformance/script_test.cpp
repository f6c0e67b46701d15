#include "conformance/script.hpp"

#include "support/test_support.hpp"

namespace mimir::conformance {
namespace {

TEST_SUITE_BEGIN("conformance/script");

TEST_CASE("commands end at an empty line or a comment") {
    const auto commands = parse_script(R"(
clear
load_with_nhcb 30s
    a 1 2
    b 3
# a comment

eval instant at 1m30s a + b   # not a comment
  {} 4

eval range from 0 to 1m step 30s a
  a 1 2 2
)");
    REQUIRE_OK(commands);
    REQUIRE(commands->size() == 4);
    CHECK(std::holds_alternative<Clear>((*commands)[0]));
    const auto& load = std::get<Load>((*commands)[1]);
    CHECK(load.with_nhcb);
    CHECK(load.interval == std::chrono::seconds(30));
    CHECK(load.series.size() == 2);
    const auto& eval = std::get<Eval>((*commands)[2]);
    CHECK(eval.line == 8);
    CHECK(eval.query == "a + b   # not a comment");
    CHECK(eval.start == TimestampMs{90'000});
}

TEST_CASE("what an eval expects") {
    const auto commands = parse_script(R"(
eval range from 1m to 2m step 10s a
  expect warn msg: a text (1:1)
  expect warn regex: a t.xt
  expect no_info
  a 1 2
)");
    REQUIRE_OK(commands);
    const auto& eval = std::get<Eval>(commands->at(0));
    CHECK(eval.is_range);
    CHECK(eval.start == TimestampMs{60'000});
    CHECK(eval.end == TimestampMs{120'000});
    CHECK(eval.step == std::chrono::seconds(10));
    REQUIRE(eval.warnings.size() == 2);
    CHECK(eval.warnings[0].matches("a text (1:1)"));
    CHECK_FALSE(eval.warnings[0].matches("a text"));
    CHECK(eval.warnings[1].matches("what a text this is"));
    CHECK(eval.no_infos);
    CHECK_FALSE(eval.no_warnings);
    CHECK(eval.series.size() == 1);
}

TEST_CASE("scalars, strings, range vectors, failures, order") {
    const auto commands = parse_script(R"(
eval instant at 0 1
  -1.5e3

eval instant at 0 "a"
  expect string `a`

eval instant at 1m a[1m]
  expect range vector from 10s to 1m step 10s
  a 1

eval_fail instant at 0 a
  expected_fail_message no good

eval_ordered instant at 0 a

eval instant at 0 a
  expect fail
)");
    REQUIRE_OK(commands);
    REQUIRE(commands->size() == 6);
    CHECK(std::get<Eval>(commands->at(0)).scalar == -1500);
    CHECK(std::get<Eval>(commands->at(1)).string == "a");
    CHECK(std::get<Eval>(commands->at(2)).range_vector->from == TimestampMs{10'000});
    CHECK(std::get<Eval>(commands->at(3)).failure->matches("no good"));
    CHECK_FALSE(std::get<Eval>(commands->at(3)).failure->matches("good"));
    CHECK(std::get<Eval>(commands->at(4)).ordered);
    CHECK(std::get<Eval>(commands->at(5)).failure->matches("anything"));
}

TEST_CASE("what can't be read is refused with its line") {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"\nfoo", "line 2: unknown command \"foo\""},
        {"load x", "line 1: not a valid duration string: \"x\""},
        {"eval at 5 x", "line 1: expected \"at\" instead of \"5\""},
        {"eval instant at 5m a\n  expect happiness",
         "line 2: nothing is known of expecting \"happiness\""},
        {"eval instant at 5m a\n  expect warn because", "line 2: expected msg: or regex:"},
        {"eval range from 0 until 5m step 1m a", "line 1: expected \"to\" instead of \"until\""},
    };
    for (const auto& [script, expected] : cases) {
        CAPTURE(script);
        const auto commands = parse_script(script);
        REQUIRE_FALSE(commands.has_value());
        CHECK(commands.error().message == expected);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::conformance
