#include "components/query_frontend/parameters.hpp"

#include "support/test_support.hpp"

namespace mimir::query_frontend {
namespace {

http::Parameters form(std::string_view text) {
    auto parsed = http::Parameters::parse(text);
    REQUIRE_OK(parsed);
    return *parsed;
}

TEST_SUITE_BEGIN("query_frontend/parameters");

TEST_CASE("times are Unix seconds or RFC 3339") {
    const struct {
        std::string_view text;
        std::int64_t ms;
    } cases[] = {
        {"0", 0},
        {"1435781451.781", 1435781451781},
        {"-1.5", -1500},
        {"1e3", 1000000},
        {"1.0005", 1001},
        {"2015-07-01T20:10:51.781Z", 1435781451781},
        {"2015-07-01T20:10:51.7809999Z", 1435781451781},
        {"2015-07-01T22:10:51+02:00", 1435781451000},
        {"2015-07-01T17:40:51-02:30", 1435781451000},
        {"1969-12-31T23:59:59.5Z", -500},
        {"-292273086-05-16T16:47:06Z", TimestampMs::min().ms},
        {"292277025-08-18T07:12:54.999999999Z", TimestampMs::max().ms},
    };
    for (const auto& c : cases) {
        CAPTURE(c.text);
        const auto time = parse_time(c.text);
        REQUIRE_OK(time);
        CHECK(time->ms == c.ms);
    }
}

TEST_CASE("what is no time is quoted in the error") {
    for (const std::string_view text :
         {"",
          "x",
          "1h",
          "NaN",
          "Inf",
          "1e40",
          "2015-02-30T00:00:00Z",
          "2015-07-01T25:00:00Z",
          "2015-07-01",
          "2015-07-01T20:10:51",
          "2015-07-01T20:10:51.Z",
          "2015-07-01T20:10:51Zx"}) {
        CAPTURE(text);
        const auto time = parse_time(text);
        REQUIRE_FALSE(time.has_value());
        CHECK(
            time.error().message == fmt::format("cannot parse \"{}\" to a valid timestamp", text)
        );
    }
}

TEST_CASE("durations are seconds or Prometheus' notation") {
    CHECK(parse_duration("1.5")->count() == 1500);
    CHECK(parse_duration("1m30s")->count() == 90000);
    CHECK(parse_duration("-1")->count() == -1000);
    CHECK(parse_duration("x").error().message == "cannot parse \"x\" to a valid duration");
    CHECK(
        parse_duration("1e300").error().message ==
        "cannot parse \"1e300\" to a valid duration. It overflows int64"
    );
}

TEST_CASE("errors name the parameter") {
    CHECK(
        time_parameter(form("start=x"), "start").error().message ==
        "invalid parameter \"start\": cannot parse \"x\" to a valid timestamp"
    );
    CHECK(
        time_parameter(form("time=x"), "time", TimestampMs{0}).error().message ==
        "invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid "
        "timestamp"
    );
    CHECK(
        limit_parameter(form("limit=x")).error().message ==
        "invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax"
    );
    CHECK(
        limit_parameter(form("limit=-1")).error().message ==
        "invalid parameter \"limit\": limit must be non-negative"
    );
    CHECK(
        duration_parameter(form("timeout=x"), "timeout").error().message ==
        "invalid parameter \"timeout\": cannot parse \"x\" to a valid duration"
    );
}

TEST_CASE("missing parameters have defaults") {
    CHECK(range_parameters(form(""))->min == TimestampMs::min());
    CHECK(range_parameters(form("start=1&end=2")) == TimeRange{{1000}, {2000}});
    CHECK(*limit_parameter(form("")) == 0);
    CHECK_FALSE(duration_parameter(form(""), "timeout")->has_value());
    CHECK(time_parameter(form("time="), "time", TimestampMs{5})->ms == 5);
}

TEST_CASE("selectors are parsed one by one and must select something") {
    const auto selectors = selector_parameters(form("match[]=up&match[]=%7Bjob%3D%22a%22%7D"));
    REQUIRE_OK(selectors);
    CHECK(selectors->size() == 2);
    CHECK(selector_parameters(form("match[]=%7B"))
              .error()
              .message.starts_with("invalid parameter \"match[]\": "));
    CHECK_FALSE(selector_parameters(form("match[]=%7Ba%3D~%22.*%22%7D")).has_value());
}

TEST_CASE("escaped label names are read back") {
    CHECK(unescape_label_name("job") == "job");
    CHECK(unescape_label_name("U__http_2e_status") == "http.status");
    CHECK(unescape_label_name("U__a__b") == "a_b");
    CHECK(unescape_label_name("U___1f600_") == "😀");
    CHECK(unescape_label_name("U__a_zz_") == "U__a_zz_");
    CHECK(unescape_label_name("U__a_2e") == "U__a_2e");
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::query_frontend
