#include "base/rfc3339.hpp"

#include "support/test_support.hpp"

namespace mimir {

TEST_SUITE("base/rfc3339") {
    TEST_CASE("what is written is read back") {
        for (const std::int64_t ms : {0LL, 1LL, 1795592784123LL, -1LL, -62135596800000LL}) {
            CAPTURE(ms);
            const std::string text = format_rfc3339({ms});
            REQUIRE(parse_rfc3339(text));
            CHECK(parse_rfc3339(text)->ms == ms);
        }
        CHECK(format_rfc3339({1795592784123}) == "2026-11-25T07:46:24.123Z");
    }

    TEST_CASE("zones and fractions are understood, and what is no time is not") {
        CHECK(parse_rfc3339("1970-01-01T01:00:00+01:00")->ms == 0);
        CHECK(parse_rfc3339("1970-01-01T00:00:00.0006Z")->ms == 1);
        for (const char* text : {"", "1970-01-01", "1970-13-01T00:00:00Z", "1970-01-01T00:00:00"}) {
            CAPTURE(text);
            CHECK_FALSE(parse_rfc3339(text));
        }
    }
}

}  // namespace mimir
