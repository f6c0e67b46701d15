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
        {MatchType::regex, "", "", true},
        {MatchType::regex, "", "a", false},
        {MatchType::regex, "a\\.*", "a.", true},
        {MatchType::regex, "a\\.*", "ab", false},
        {MatchType::regex, "a|.*b", "ab", true},
        {MatchType::regex, "a|.*b", "ba", false},
    };
    for (const Case& c : cases) {
        CAPTURE(c.value);
        CAPTURE(c.subject);
        const auto matcher = Matcher::create(c.type, "x", c.value);
        REQUIRE_OK(matcher);
        CHECK(matcher->matches(c.subject) == c.expected);
    }
}

TEST_CASE("text with anything round it matches as the regular expression does") {
    const std::vector<std::string> subjects = {"", "a", "b", "ab", "ba", "aba", "bab", "aab", "abb", "\n", "a\nb", "ü", "aü"};
    for (const std::string before : {"", ".*", ".+"}) {
        for (const std::string behind : {"", ".*", ".+"}) {
            for (const std::string text : {"", "a", "ab", "b"}) {
                if ((before + behind).empty()) continue;
                // The group keeps it from being recognized.
                const auto quick = Matcher::create(MatchType::regex, "x", before + text + behind);
                const auto plain = Matcher::create(MatchType::regex, "x", "(" + before + text + behind + ")");
                REQUIRE_OK(quick);
                REQUIRE_OK(plain);
                for (const std::string& subject : subjects) {
                    CAPTURE(quick->value());
                    CAPTURE(subject);
                    CHECK(quick->matches(subject) == plain->matches(subject));
                }
            }
        }
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
