#include "canned_daemon.hpp"
#include "ctl/command_table.hpp"

namespace mimir::ctl::test {
namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

TEST_SUITE("ctl/command line") {
    TEST_CASE("whoever types something wrong gets the nearest right thing and exit code 2") {
        struct Case {
            std::vector<std::string> arguments;
            std::string_view said;
        };
        const Case cases[] = {
            {{"modles"}, "there is no command \"modles\"; did you mean \"modules\"?"},
            {{"set-traget", "all"}, "did you mean \"set-target\"?"},
            {{"config", "chekc"}, "there is no config command \"chekc\"; did you mean \"check\"?"},
            {{"modules", "--no-colour"},
             "there is no option --no-colour; did you mean \"--no-color\"?"},
            {{"stop", "querier", "--cascad"},
             "there is no option --cascad; did you mean \"--cascade\"?"},
            {{"start", "querier", "--tiemout=3s"},
             "there is no option --tiemout; did you mean \"--timeout\"?"},
            {{"modules", "-o", "jsn"},
             "-o takes table, wide, json, yaml, jsonl, name, not \"jsn\"; did you mean \"json\"?"},
            {{"modules", "-o"}, "needs a value"},
            {{"start"}, "MODULE is missing"},
            {{"query"}, "EXPR is missing"},
            {{"query", "a", "b"}, "\"b\" is one argument too many"},
            {{"operations", "wtch", "op-1"}, "did you mean \"watch\"?"},
            {{"query", "-up"}, "`mimirctl query -- ...`"},
            {{"config", "check", "/proc/self/mem"}, "/proc/self/mem cannot be read to its end"},
            {{"status", "now"}, "\"now\" is one argument too many"},
            {{"start", "querier", "--timeout", "5"},
             "--timeout takes a time such as 30s or 5m, not \"5\""},
            {{"start", "querier", "--timeout", "1m", "--timeout", "2m"},
             "--timeout is given more than once"},
            {{"start", "querier", "--if-revision", "x"}, "--if-revision takes a number"},
            {{"set-target"}, "TARGET is missing"},
            {{"set-target", "all", "--reset"}, "--reset goes back to the configured target"},
            {{"log-level", "wran"}, "did you mean \"warn\"?"},
            {{"completion", "fihs"}, "did you mean \"fish\"?"},
            {{"events", "--after", "-1"}, "mimirctl: "},
            {{"events", "--limit", "many"}, "--limit takes a whole number, not \"many\""},
            {{"status", "--socket", "nonsense:port"}, "--socket: "},
            {{"status", "--socket", "/" + std::string(107, 'a')}, "at most 107 bytes, not 108"},
            {{"status", "--socket", "unix:///" + std::string(200, 'a')}, "at most 107 bytes"},
            {{"status", "--socket", "a/" + std::string(200, 'a')}, "at most 107 bytes"},
            {{"stop", "querier", "--cascade=false"}, "--cascade takes no value"},
            {{"--no-color=false", "status"}, "--no-color takes no value"},
            {{"status", "--help=no"}, "--help takes no value"},
            {{"start", ""}, "MODULE is empty"},
            {{"stop", "querier", ""}, "MODULE is empty"},
            {{"operations", ""}, "ID is empty"},
            {{"query", "up", "--url", "unix:///path"},
             "want http://HOST:PORT, https://HOST:PORT or HOST:PORT, and"},
            {{"query", "up", "--url", "http://localhost:1", "--tenant", "a\r\nX: b"},
             "the header X-Scope-OrgID holds a control character"},
            {{"modules", "--ca-file", "ca.pem", "--socket", "/s"},
             "are for an address with https://"},
            {{"modules", "--ca-file", "/nonexistent/ca.pem", "--socket", "https://localhost:1"},
             "/nonexistent/ca.pem"},
            {{"\x1b[2J"}, "there is no command \"\\x1b[2J\""},
        };
        for (const Case& c : cases) {
            CAPTURE(c.said);
            const Ran ran = run_ctl(c.arguments);
            CAPTURE(ran.err);
            CHECK(ran.code == 2);
            CHECK(ran.out == "");
            CHECK(contains(ran.err, c.said));
        }
    }

    TEST_CASE("help lists only the exit codes that a command has") {
        CHECK_FALSE(contains(run_ctl({"version", "--help"}).out, "cannot be reached"));
        CHECK_FALSE(contains(run_ctl({"completion", "--help"}).out, "Not permitted"));
        CHECK(contains(run_ctl({"status", "--help"}).out, "cannot be reached"));
    }

    TEST_CASE("without a command it says what there is, and that this was no command") {
        const Ran alone = run_ctl({});
        CHECK(alone.code == 2);
        CHECK(alone.out == "");
        CHECK(contains(alone.err, "set-target"));
        const Ran group = run_ctl({"config"});
        CHECK(group.code == 2);
        CHECK(contains(group.err, "config reload"));
    }

    TEST_CASE("help is asked for anywhere, and says what the command line would") {
        const Ran program = run_ctl({"--help"});
        CHECK(program.code == 0);
        CHECK(contains(program.out, "Usage: mimirctl"));
        CHECK_FALSE(contains(program.out, "__complete"));
        for (const Command& command : commands()) {
            if (command.is_hidden) continue;
            CAPTURE(command.name);
            std::vector<std::string> words = {std::string(command.group())};
            if (command.name != command.group())
                words.emplace_back(command.name.substr(command.group().size() + 1));
            words.emplace_back("--help");
            const Ran ran = run_ctl(words);
            CHECK(ran.code == 0);
            CHECK(ran.err == "");
            CHECK(contains(ran.out, command.summary));
            CHECK_FALSE(command.examples.empty());
            for (const Example& example : command.examples)
                CHECK(contains(ran.out, example.command));
        }
        CHECK(run_ctl({"start", "--nonsense", "-h"}).code == 0);
    }

    TEST_CASE("options of every command stand before and behind it") {
        CannedDaemon daemon;
        daemon.on_get("/admin/v1/modules", "[]");
        const std::string socket = daemon.socket();
        const std::vector<std::vector<std::string>> lines = {
            {"--socket", socket, "-o", "json", "modules"},
            {"modules", "--socket", socket, "-o", "json"},
            {"--socket=" + socket, "modules", "--output=json"},
            {"-o", "json", "modules", "--socket", "unix://" + socket},
            {"-ojson", "--socket", socket, "--no-color", "modules"},
        };
        for (const auto& line : lines) {
            CAPTURE(line.front());
            const Ran ran = run_ctl(line);
            CHECK(ran.code == 0);
            CHECK(ran.out == "[]\n");
        }
    }

    TEST_CASE("what stands behind -- is no option") {
        CannedDaemon daemon;
        daemon.on(http::Method::post, "/prometheus/api/v1/query", [](const http::Request&) {
            return http::Response::json(
                200, R"({"status":"success","data":{"resultType":"vector","result":[]}})"
            );
        });
        const std::string url = fmt::format("http://127.0.0.1:{}", daemon.port());
        const Ran ran = run_ctl({"query", "--url", url, "--", "-up"});
        CAPTURE(ran.err);
        CHECK(ran.code == 0);
        REQUIRE(daemon.seen().size() == 1);
        CHECK(daemon.seen()[0].body.starts_with("query=-up&"));
    }
}

}  // namespace
}  // namespace mimir::ctl::test
