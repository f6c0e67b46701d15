#include "admin/detail/exchange.hpp"
#include "support/test_support.hpp"

namespace mimir::admin::detail {
namespace {

Result<ChangeOptions> options_of(http::Headers headers) {
    http::Request request;
    request.headers = std::move(headers);
    return change_options(request, false, false);
}

TEST_SUITE("admin/change options") {
    TEST_CASE("without headers nothing is asked for but what the body says") {
        http::Request request;
        const auto options = change_options(request, true, false);
        REQUIRE_OK(options);
        CHECK(options->cascade);
        CHECK_FALSE(options->dry_run);
        CHECK_FALSE(options->if_revision.has_value());
        CHECK(options->idempotency_key.empty());
        CHECK(change_options(request, false, true)->dry_run);
    }

    TEST_CASE("If-Match binds to a revision, as an ETag or bare") {
        CHECK(options_of({{"If-Match", "\"17\""}})->if_revision == 17U);
        CHECK(options_of({{"if-match", "17"}})->if_revision == 17U);
        CHECK(options_of({{"If-Match", "\"18446744073709551615\""}})->if_revision == UINT64_MAX);
        CHECK_FALSE(options_of({{"If-Match", "*"}})->if_revision.has_value());
        for (const std::string_view wrong :
             {"",
              "\"",
              "\"\"",
              "\"17",
              "17\"",
              "W/\"17\"",
              "\"17\", \"18\"",
              "-1",
              "1.0",
              "0x11",
              "\"18446744073709551616\"",
              "\" 17\""}) {
            CAPTURE(wrong);
            const auto options = options_of({{"If-Match", wrong}});
            REQUIRE_FALSE(options.has_value());
            CHECK(options.error().id == "request-malformed");
            CHECK(options.error().message.find("If-Match") != std::string::npos);
        }
    }

    TEST_CASE("a key has a bound") {
        CHECK(options_of({{"Idempotency-Key", "a b"}})->idempotency_key == "a b");
        CHECK(options_of({{"Idempotency-Key", std::string(128, 'k')}}).has_value());
        const auto longer = options_of({{"Idempotency-Key", std::string(129, 'k')}});
        REQUIRE_FALSE(longer.has_value());
        CHECK(longer.error().id == "request-malformed");
    }

    TEST_CASE("numbers of a query are whole and within bounds") {
        const auto query = [](std::string_view text) {
            auto parsed = http::Parameters::parse(text);
            REQUIRE_OK(parsed);
            return *std::move(parsed);
        };
        CHECK(number_of(query(""), "limit", 20, 1000) == 20U);
        CHECK(number_of(query("limit=0"), "limit", 20, 1000) == 0U);
        CHECK(number_of(query("limit=1000"), "limit", 20, 1000) == 1000U);
        for (const std::string_view wrong :
             {"limit=",
              "limit=1001",
              "limit=-1",
              "limit=1x",
              "limit=%201",
              "limit=99999999999999999999"}) {
            CAPTURE(wrong);
            const auto number = number_of(query(wrong), "limit", 20, 1000);
            REQUIRE_FALSE(number.has_value());
            CHECK(number.error().id == "request-malformed");
            CHECK(number.error().message.find("limit: want a whole number up to 1000") == 0);
        }
    }
}

}  // namespace
}  // namespace mimir::admin::detail
