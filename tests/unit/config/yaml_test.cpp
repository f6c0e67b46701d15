#include "config/yaml.hpp"

#include <fmt/format.h>

#include "config/load.hpp"
#include "support/test_support.hpp"
#include "unit/config/example.hpp"

namespace mimir::config {
namespace {

/// What loading the text says; empty when all is well.
std::string load(std::string_view text, Example& example) {
    Declarer declared;
    declare(declared, example);
    Findings findings;
    if (const auto root = parse_yaml(text, "m.yaml", findings)) {
        apply_yaml(*root, {.file = "m.yaml"}, declared, findings);
    }
    const auto result = findings.result();
    return result ? "" : result.error().message;
}

}  // namespace

TEST_SUITE("config/yaml") {
    TEST_CASE("every type is read, and what the file leaves out keeps its default") {
        Example e;
        CHECK(
            load(
                "target: [distributor, ingester]\n"
                "server:\n"
                "  enabled: false\n"
                "  http_port: \"9009\"\n"
                "  offset: -7\n"
                "  timeout: 1h30m\n"
                "store: {ratio: 0.25, size: 64KiB, wal: {sync: always}, dir: /var/lib/x, password: "
                "s3cret}\n",
                e
            ) == ""
        );
        CHECK(e.target == std::vector<std::string>{"distributor", "ingester"});
        CHECK_FALSE(e.enabled);
        CHECK(e.port == 9009);
        CHECK(e.offset == -7);
        CHECK(e.timeout == std::chrono::minutes(90));
        CHECK(e.ratio == 0.25);
        CHECK(e.size == 65536);
        CHECK(e.sync == Example::Sync::always);
        CHECK(e.dir == "/var/lib/x");
        CHECK(e.password == "s3cret");
    }

    TEST_CASE("a list may be one line with commas; empty sections and values keep defaults") {
        Example e;
        CHECK(load("target: querier, ruler\nserver:\nstore:\n  dir:\n", e) == "");
        CHECK(e.target == std::vector<std::string>{"querier", "ruler"});
        CHECK(e.dir == "./data");
        CHECK(load("", e) == "");
        CHECK(load("# only a comment\n", e) == "");
    }

    TEST_CASE("anchors and aliases work") {
        Example e;
        CHECK(load("store: {dir: &where /srv, password: *where}\n", e) == "");
        CHECK(e.password == "/srv");
    }

    TEST_CASE("what is wrong is said with line, key, value and what was expected") {
        struct Case {
            std::string_view text;
            std::string_view findings;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {"server:\n  http_prot: 1\n",
                  "m.yaml:2: server.http_prot: unknown key; did you mean \"http_port\"?"},
                 {"sever: {}\n", "m.yaml:1: sever: unknown key; did you mean \"server\"?"},
                 {"http_port: 1\n", "m.yaml:1: http_port: unknown key; it belongs under \"server\""
                 },
                 {"zebra: 1\n", "m.yaml:1: zebra: unknown key"},
                 {"verbose: true\n", "m.yaml:1: verbose: unknown key"},
                 {"server:\n  http_port: web\n",
                  "m.yaml:2: server.http_port: expected a whole number, not \"web\""},
                 {"server: {http_port: 70000}\n",
                  "m.yaml:1: server.http_port: must be at most 65535, not \"70000\""},
                 {"server: {http_port: -1}\n",
                  "m.yaml:1: server.http_port: expected a whole number, 0 or more, not \"-1\""},
                 {"server: {http_port: 99999999999999999999}\n",
                  "m.yaml:1: server.http_port: expected a whole number of at most 64 bits, not "
                  "\"99999999999999999999\""},
                 {"server: {enabled: maybe}\n",
                  "m.yaml:1: server.enabled: expected true or false, not \"maybe\""},
                 {"server: {timeout: 5}\n",
                  "m.yaml:1: server.timeout: expected a duration such as 30s, 1h30m or 7d, not "
                  "\"5\""},
                 {"server: {timeout: 0s}\n",
                  "m.yaml:1: server.timeout: must be at least 1ms, not \"0s\""},
                 {"server: {timeout: [1s]}\n",
                  "m.yaml:1: server.timeout: expected a duration, not a list"},
                 {"server: {timeout: {seconds: 1}}\n",
                  "m.yaml:1: server.timeout: expected a duration, not a section"},
                 {"store: {ratio: 1.5}\n", "m.yaml:1: store.ratio: must be at most 1, not \"1.5\""},
                 {"store: {ratio: nan}\n", "m.yaml:1: store.ratio: expected a number, not \"nan\""},
                 {"store: {size: 5 elephants}\n",
                  "m.yaml:1: store.size: expected a size such as 1048576, 64KiB or 1.5GiB, not \"5 "
                  "elephants\""},
                 {"store: {wal: {sync: alwasy}}\n",
                  "m.yaml:1: store.wal.sync: expected one of none, interval, always, not "
                  "\"alwasy\"; did you mean "
                  "\"always\"?"},
                 {"server: {http_port: \"${PORT}\"}\n",
                  "m.yaml:1: server.http_port: expected a whole number, not \"${PORT}\"; "
                  "-config.expand-env replaces "
                  "variables in the file"},
                 {"target: [{a: b}]\n", "m.yaml:1: target: expected a list of plain values"},
                 {"server: fast\n", "m.yaml:1: server: expected a section with keys below it"},
                 {"- a\n- b\n", "m.yaml:1: expected a section with keys below it"},
                 {"store:\n  dir: a\n  dir: b\n",
                  "m.yaml:3: \"dir\" is given twice, first on line 2"},
                 {"a: &x {dir: b}\nstore:\n  <<: *x\n",
                  "m.yaml:3: merge keys (<<) are not supported\nm.yaml:1: a: unknown key"},
                 {"? [a, b]\n: c\n", "m.yaml:1: a key must be a word"},
                 {"server: {\n", "m.yaml:2: not YAML at line 2, column 1: end of map flow not found"
                 },
                 {"a: b: c\n", "m.yaml:1: not YAML at line 1, column 5: illegal map value"},
                 {"\tserver: 1\n",
                  "m.yaml:1: not YAML at line 1, column 8: illegal map value; YAML is indented by "
                  "spaces, not by tabs"},
                 {"target: all\n---\ntarget: all\n",
                  "m.yaml:3: a second document starts here; a configuration is one document"},
             }) {
            CAPTURE(c.text);
            Example e;
            CHECK(load(c.text, e) == c.findings);
        }
    }

    TEST_CASE("all findings come at once, and what is right is still read") {
        Example e;
        CHECK(
            load("server:\n  http_port: x\n  timeout: 3s\nstore:\n  ratio: 2\n  sise: 1\n", e) ==
            "m.yaml:2: server.http_port: expected a whole number, not \"x\"\n"
            "m.yaml:5: store.ratio: must be at most 1, not \"2\"\n"
            "m.yaml:6: store.sise: unknown key; did you mean \"size\"?"
        );
        CHECK(e.timeout == std::chrono::seconds(3));
    }

    TEST_CASE("aliases of aliases do not take all memory") {
        std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
        for (int i = 1; i < 12; ++i) {
            const std::string inner = fmt::format("*a{}", i - 1);
            bomb += fmt::format("a{}: &a{} [{}]\n", i, i, fmt::join(std::vector(10, inner), ", "));
        }
        Example e;
        CHECK(load(bomb, e) == "m.yaml: the document has too many nodes");
    }

    TEST_CASE("deep nesting is refused") {
        Example e;
        CHECK(load(std::string(50'000, '['), e).starts_with("m.yaml:"));
    }

    TEST_CASE("an alias within what it stands for is refused") {
        Example e;
        CHECK(
            load("a: &a [*a, *a]\n", e) == "m.yaml: the document is nested deeper than 100 levels"
        );
    }
}

}  // namespace mimir::config
