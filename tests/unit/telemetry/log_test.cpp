#include "telemetry/log.hpp"

#include <filesystem>
#include <sstream>

#include "model/tenant.hpp"
#include "support/test_support.hpp"

using namespace std::chrono_literals;

namespace mimir::telemetry {
namespace {

/// What one line looks like, without its "caller", which changes with this file.
std::string line_of(LogFormat format, const std::function<void(const Logger&)>& write) {
    const test::ManualClock clock(TimestampMs{1'700'000'000'123});
    std::ostringstream out;
    write(Logger::to_stream(out, format, LogLevel::debug, clock));
    std::string line = out.str();
    const std::string_view start = format == LogFormat::json ? "\"caller\":" : "caller=";
    const std::size_t at = line.find(start);
    REQUIRE(at != std::string::npos);
    const std::size_t end = line.find(format == LogFormat::json ? ',' : ' ', at);
    return line.erase(at, end + 1 - at);
}

}  // namespace

TEST_SUITE("telemetry/log") {
    TEST_CASE("a line has Mimir's fields in Mimir's order") {
        const std::string line = line_of(LogFormat::logfmt, [](const Logger& log) {
            log.component("ingester")
                .info("head compacted", {{"user", "team-a"}, {"series", 17}, {"took", 1500ms}});
        });
        CHECK(
            line ==
            "ts=2023-11-14T22:13:20.123Z level=info component=ingester msg=\"head compacted\" "
            "user=team-a series=17 took=1.5s\n"
        );
    }

    TEST_CASE("JSON has the same fields with JSON's types") {
        const std::string line = line_of(LogFormat::json, [](const Logger& log) {
            log.warn(
                "slow", {{"ratio", 0.5}, {"retried", true}, {"err", Error{.message = "no \"x\""}}}
            );
        });
        CHECK(
            line ==
            "{\"ts\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warn\",\"msg\":\"slow\",\"ratio\":0."
            "5,"
            "\"retried\":true,\"err\":\"no \\\"x\\\"\"}\n"
        );
    }

    TEST_CASE("the caller is the line that logs") {
        std::ostringstream out;
        const auto log = Logger::to_stream(out, LogFormat::logfmt, LogLevel::debug);
        const int line = __LINE__ + 1;
        log.info("here", {{"a", 1}});
        CHECK(out.str().find(fmt::format("caller=log_test.cpp:{} ", line)) != std::string::npos);
    }

    TEST_CASE("values are quoted where logfmt needs it") {
        struct Case {
            std::string_view value;
            std::string_view written;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {"plain-1.2:3/4", "plain-1.2:3/4"},
                 {"", R"("")"},
                 {"two words", R"("two words")"},
                 {"a=b", R"("a=b")"},
                 {"quote\"", R"("quote\"")"},
                 {"line\nbreak", R"("line\nbreak")"},
                 {"\x1b[31m", R"("\u001b[31m")"},
                 {"caf\xC3\xA9", "\"caf\xC3\xA9\""},
                 {"bad \xC3(", "\"bad \xEF\xBF\xBD(\""},
                 {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
             }) {
            CAPTURE(c.value);
            const std::string line = line_of(LogFormat::logfmt, [&](const Logger& log) {
                log.info("m", {{"v", c.value}});
            });
            CHECK(
                line ==
                fmt::format("ts=2023-11-14T22:13:20.123Z level=info msg=m v={}\n", c.written)
            );
        }
    }

    TEST_CASE("the level changes for every copy while running") {
        std::ostringstream out;
        auto log = Logger::to_stream(out, LogFormat::logfmt, LogLevel::info);
        const Logger component = log.component("querier");
        component.debug("unseen");
        CHECK(out.str().empty());
        log.set_level(LogLevel::debug);
        component.debug("seen");
        CHECK(out.str().find("msg=seen") != std::string::npos);
    }

    TEST_CASE("tenants and paths are fields as they are") {
        const std::string line = line_of(LogFormat::logfmt, [](const Logger& log) {
            const auto tenant = model::TenantId::parse("a");
            REQUIRE_OK(tenant);
            log.error("m", {{"user", *tenant}, {"path", std::filesystem::path("/tmp/x")}});
        });
        CHECK(line == "ts=2023-11-14T22:13:20.123Z level=error msg=m user=a path=/tmp/x\n");
    }

    TEST_CASE("a default-constructed logger discards") {
        const Logger log;
        CHECK_FALSE(log.enabled(LogLevel::error));
        log.component("x").error("nobody reads this");
    }
}

}  // namespace mimir::telemetry
