#include "model/matcher.hpp"

#include "support/test_support.hpp"

namespace mimir::model {
namespace {

TEST_SUITE_BEGIN("model/matcher");

TEST_CASE("matchers") {
    struct Case {
        MatchType type;
        std::string value;
        std::string subject;
        bool expected;
    };
    const std::vector<Case> cases = {
        {MatchType::equal, "a", "a", true},
        {MatchType::equal, "", "", true},
        {MatchType::not_equal, "a", "", true},
        {MatchType::regex, "a|b", "b", true},
        {MatchType::regex, "a|b", "ab", false},
        {MatchType::regex, "a.*", "a\nb", true},
        {MatchType::regex, "b", "abc", false},
        {MatchType::regex, ".+", "", false},
        {MatchType::not_regex, ".+", "", true},
        {MatchType::not_regex, "a|b", "c", true},
        {MatchType::regex, "a?", "", true},
    };
    for (const Case& c : cases) {
        CAPTURE(c.value);
        CAPTURE(c.subject);
        const auto matcher = Matcher::create(c.type, "x", c.value);
        REQUIRE_OK(matcher);
        CHECK(matcher->matches(c.subject) == c.expected);
    }
}

TEST_CASE("a bad regular expression is refused with RE2's reason") {
    const auto matcher = Matcher::create(MatchType::regex, "x", "a(");
    REQUIRE_FALSE(matcher.has_value());
    CHECK(matcher.error().kind == ErrorKind::invalid);
    CHECK(matcher.error().message.find("missing )") != std::string::npos);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::model
