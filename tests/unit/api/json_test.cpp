#include "api/json.hpp"

#include "support/test_support.hpp"

namespace mimir::api {

TEST_SUITE("api/json") {
    TEST_CASE("what is written is read back") {
        Operation operation{
            .id = "op-17",
            .kind = "stop",
            .state = OperationState::running,
            .version = 3,
            .created = {1795592784123},
            .steps =
                {{.action = "stop",
                  .subject = "querier",
                  .state = StepState::done,
                  .started = TimestampMs{1795592784200}}},
            .warnings = {"one", "t\"wo"},
        };
        const std::string text = to_json(operation);
        const auto read = from_json<Operation>(text, Unknown::refuse);
        REQUIRE_OK(read);
        CHECK(to_json(*read) == text);
        CHECK(read->steps.at(0).started == operation.steps.at(0).started);
        CHECK_FALSE(read->ended.has_value());
        CHECK(text.find("\"ended\"") == std::string::npos);
    }

    TEST_CASE("what is missing keeps its default, and lists may be empty") {
        const auto request = from_json<ChangeRequest>("{}", Unknown::refuse);
        REQUIRE_OK(request);
        CHECK_FALSE(request->cascade);
        CHECK(to_json(std::vector<Module>()) == "[]");
        CHECK(from_json<std::vector<Module>>("[]", Unknown::refuse)->empty());
    }

    TEST_CASE("what is wrong is named, with what was expected") {
        struct Case {
            std::string_view text;
            std::string_view part;
        };
        for (const Case& c : {
                 Case{"{", "not JSON"},
                 Case{"[]", "the body: want an object, not []"},
                 Case{R"({"cascade": 1})", "cascade: want true or false, not 1"},
                 Case{R"({"casacde": true})", "did you mean \"cascade\"?"},
             }) {
            CAPTURE(c.text);
            const auto read = from_json<ChangeRequest>(c.text, Unknown::refuse);
            REQUIRE_FALSE(read);
            CHECK(read.error().kind == ErrorKind::invalid);
            CHECK(read.error().message.find(c.part) != std::string::npos);
        }
        CHECK_FALSE(from_json<Problem>(R"({"status": -1})", Unknown::ignore));
        CHECK_FALSE(from_json<Problem>(R"({"status": 4294967296})", Unknown::ignore));
        CHECK_FALSE(from_json<Module>(R"({"state": "sleeping"})", Unknown::ignore));
        CHECK_FALSE(from_json<Module>(R"({"since": "yesterday"})", Unknown::ignore));
    }

    TEST_CASE("a client reads past what it does not know") {
        const auto read =
            from_json<LogLevel>(R"({"level": "info", "new": {"a": [1]}})", Unknown::ignore);
        REQUIRE_OK(read);
        CHECK(read->level == "info");
    }

    TEST_CASE("text that is no UTF-8 becomes JSON all the same") {
        const std::string text = to_json(Message{"a\xff"});
        CHECK(from_json<Message>(text, Unknown::refuse).has_value());
    }

    TEST_CASE("nesting has a bound, and brackets in strings are none") {
        const auto nested = [](std::size_t levels) {
            return R"({"level": "a", "new": )" + std::string(levels, '[') +
                   std::string(levels, ']') + "}";
        };
        CHECK(from_json<LogLevel>(nested(63), Unknown::ignore).has_value());
        const auto deep = from_json<LogLevel>(nested(64), Unknown::ignore);
        REQUIRE_FALSE(deep.has_value());
        CHECK(deep.error().message == "nested deeper than 64 levels");
        CHECK_FALSE(from_json<LogLevel>(std::string(1'000'000, '['), Unknown::ignore));

        const std::string brackets = R"(\"\\)" + std::string(100, '{');
        const auto text = from_json<LogLevel>(R"({"level": ")" + brackets + "\"}", Unknown::ignore);
        REQUIRE_OK(text);
        CHECK(text->level == R"("\)" + std::string(100, '{'));
    }
}

}  // namespace mimir::api
