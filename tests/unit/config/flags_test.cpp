#include "config/load.hpp"
#include "support/test_support.hpp"
#include "unit/config/example.hpp"

namespace mimir::config {
namespace {

std::string apply(const std::vector<std::string_view>& arguments, Example& example) {
    Declarer declared;
    declare(declared, example);
    Findings findings;
    apply_flags(parse_flags(arguments, declared, findings), findings);
    const auto result = findings.result();
    return result ? "" : result.error().message;
}

}  // namespace

TEST_SUITE("config/flags") {
    TEST_CASE("a flag is written in four ways") {
        for (const std::vector<std::string_view>& arguments :
             std::initializer_list<std::vector<std::string_view>>{
                 {"-server.http-port=99"},
                 {"--server.http-port=99"},
                 {"-server.http-port", "99"},
                 {"--server.http-port", "99"},
             }) {
            Example e;
            CHECK(apply(arguments, e) == "");
            CHECK(e.port == 99);
        }
    }

    TEST_CASE("a boolean is set by its name and unset by =false; the last of two wins") {
        Example e;
        CHECK(apply({"-verbose", "-server.on=false", "-store.dir=a", "-store.dir=b=c"}, e) == "");
        CHECK(e.verbose);
        CHECK_FALSE(e.enabled);
        CHECK(e.dir == "b=c");
    }

    TEST_CASE("a value may begin with a dash or be empty") {
        Example e;
        CHECK(apply({"-server.offset", "-5", "-store.dir="}, e) == "");
        CHECK(e.offset == -5);
        CHECK(e.dir.empty());
    }

    TEST_CASE("a list is separated by commas") {
        Example e;
        CHECK(apply({"-target=distributor, ingester"}, e) == "");
        CHECK(e.target == std::vector<std::string>{"distributor", "ingester"});
    }

    TEST_CASE("what is wrong with the flags is said all at once") {
        struct Case {
            std::vector<std::string_view> arguments;
            std::string_view findings;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {{"-server.htp-port=1", "-verbose=perhaps"},
                  "-server.htp-port: unknown flag; did you mean -server.http-port?\n"
                  "-verbose: expected true or false, not \"perhaps\""},
                 {{"--zebra", "stripes"}, "-zebra: unknown flag; -help-all lists them"},
                 {{"-server.timeout"}, "-server.timeout: needs a duration"},
                 {{"start"}, "start: expected a flag; to set a boolean flag, write -name=false"},
                 {{"-server.on", "false"},
                  "false: expected a flag; to set a boolean flag, write -name=false"},
                 {{"-"}, "-: expected a flag; to set a boolean flag, write -name=false"},
             }) {
            CAPTURE(c.findings);
            Example e;
            CHECK(apply(c.arguments, e) == c.findings);
        }
    }
}

}  // namespace mimir::config
