#include "base/units.hpp"

#include "support/test_support.hpp"

using namespace std::chrono_literals;

namespace mimir {

TEST_SUITE("base/units") {
    TEST_CASE("durations are read in Go's notation, and with days, weeks and years") {
        struct Case {
            std::string_view text;
            std::chrono::nanoseconds duration;
            std::string_view written;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {"0", 0ns, "0s"},
                 {"0s", 0ns, "0s"},
                 {"30s", 30s, "30s"},
                 {"1h30m", 90min, "1h30m"},
                 {"2h0m0s", 2h, "2h"},
                 {"1.5s", 1500ms, "1.5s"},
                 {"250ms", 250ms, "250ms"},
                 {"1us", 1us, "1us"},
                 {"1µs", 1us, "1us"},
                 {"7ns", 7ns, "7ns"},
                 {"1d", 24h, "1d"},
                 {"2w", 336h, "14d"},
                 {"1y", 8760h, "365d"},
                 {"1d12h", 36h, "36h"},
                 {"-5m", -5min, "-5m"},
                 {"1m0.25s", 60250ms, "1m0.25s"},
             }) {
            CAPTURE(c.text);
            const auto duration = parse_duration(c.text);
            REQUIRE_OK(duration);
            CHECK(*duration == c.duration);
            CHECK(format_duration(*duration) == c.written);
            CHECK(parse_duration(c.written).value() == c.duration);
        }
    }

    TEST_CASE("what is no duration is refused with the reason") {
        for (const std::string_view text :
             {"", "-", "5", "1x", "s", "1h30", "1e3s", "--1s", "1 h", "300y", "inf", "nans"}) {
            CAPTURE(text);
            CHECK_FALSE(parse_duration(text).has_value());
        }
        CHECK(
            parse_duration("5").error().message ==
            "\"5\" is not a duration such as 30s, 1h30m or 7d: it has no unit"
        );
    }

    TEST_CASE("sizes are bytes, or have a unit") {
        struct Case {
            std::string_view text;
            std::uint64_t bytes;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {"0", 0},
                 {"18446744073709551615", UINT64_MAX},
                 {"64KiB", 65536},
                 {"64K", 65536},
                 {"1.5 GiB", 1610612736},
                 {"10MB", 10'000'000},
             }) {
            CAPTURE(c.text);
            const auto bytes = parse_bytes(c.text);
            REQUIRE_OK(bytes);
            CHECK(*bytes == c.bytes);
        }
        for (const std::string_view text :
             {"", "-1", "1.5X", "KiB", "99999999999TiB", "18446744073709551616"}) {
            CAPTURE(text);
            CHECK_FALSE(parse_bytes(text).has_value());
        }
        CHECK(format_bytes(104857600) == "100 MiB");
        CHECK(format_bytes(1536) == "1.5 KiB");
        CHECK(format_bytes(17) == "17 B");
    }
}

}  // namespace mimir
