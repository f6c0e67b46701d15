#include "telemetry/journal.hpp"

#include <cstdlib>

#include "support/test_support.hpp"

using namespace std::chrono_literals;

namespace mimir::telemetry {

TEST_SUITE("telemetry/journal") {
    TEST_CASE("an entry has the journal's own fields, and one for each field of the log call") {
        const auto where = std::source_location::current();
        const auto fields = journal_fields({
            .level = LogLevel::warn,
            .line = "level=warn msg=\"head compacted\"",
            .component = "ingester",
            .msg = "head compacted",
            .fields = {{"user", "team-a"}, {"series", 17}, {"took", 1500ms}, {"a-b.c", true}},
            .where = where,
        });
        const std::vector<std::string> wanted = {
            "MESSAGE=level=warn msg=\"head compacted\"",
            "PRIORITY=4",
            fmt::format("CODE_FILE={}", where.file_name()),
            fmt::format("CODE_LINE={}", where.line()),
            "SYSLOG_IDENTIFIER=mimird",
            "MIMIRD_MSG=head compacted",
            "MIMIRD_COMPONENT=ingester",
            "MIMIRD_USER=team-a",
            "MIMIRD_SERIES=17",
            "MIMIRD_TOOK=1.5s",
            "MIMIRD_A_B_C=true",
        };
        CHECK(fields == wanted);
    }

    TEST_CASE("a name is cut at what the journal takes") {
        const std::string key(100, 'k');
        const auto fields = journal_fields({
            .level = LogLevel::info,
            .line = "x",
            .component = "",
            .msg = "x",
            .fields = {{key, "v"}},
            .where = std::source_location::current(),
        });
        CHECK(fields.back() == "MIMIRD_" + std::string(57, 'K') + "=v");
    }

    TEST_CASE("standard error is the journal only when it is the very stream that systemd named") {
        ::unsetenv("JOURNAL_STREAM");
        CHECK(!stderr_is_journal());
        ::setenv("JOURNAL_STREAM", "1:2", 1);
        CHECK(!stderr_is_journal());
        ::unsetenv("JOURNAL_STREAM");
    }
}

}  // namespace mimir::telemetry
