#include <sstream>

#include "ctl/output/structured.hpp"
#include "ctl/output/table.hpp"
#include "support/test_support.hpp"

namespace mimir::ctl {
namespace {

Table sample_table() {
    return {
        .columns = {{"NAME"}, {"COUNT", false, true}, {.title = "MORE", .is_wide = true}, {"WHY"}},
        .rows =
            {
                {Cell("querier"), Cell("7"), Cell("x"), Cell(std::string("asked for"), Tone::good)},
                {Cell("größer"), Cell("1234567"), Cell("y"), Cell("")},
            },
    };
}

std::string table_text(const Table& table, TableStyle style) {
    std::ostringstream out;
    write_table(out, table, style);
    return out.str();
}

template <class Write>
std::string written(Write write, std::string_view json) {
    std::ostringstream out;
    REQUIRE_OK(write(out, json));
    return out.str();
}

TEST_SUITE("ctl/output") {
    TEST_CASE("tables are aligned by characters, and wide columns are for wide") {
        CHECK(
            table_text(sample_table(), {}) ==
            "NAME       COUNT  WHY\n"
            "querier        7  asked for\n"
            "größer   1234567  -\n"
        );
        CHECK(
            table_text(sample_table(), {.wide = true}) ==
            "NAME       COUNT  MORE  WHY\n"
            "querier        7  x     asked for\n"
            "größer   1234567  y     -\n"
        );
    }

    TEST_CASE("colours change no widths") {
        CHECK(
            table_text(sample_table(), {.colour = true, .titles = false}) ==
            "querier        7  \x1b[32masked for\x1b[0m\n"
            "größer   1234567  -\n"
        );
    }

    TEST_CASE("a table without rows is nothing") {
        CHECK(table_text({.columns = {{"NAME"}}, .rows = {}}, {}) == "");
    }

    TEST_CASE("what the daemon says cannot command the terminal") {
        CHECK(sanitized("a\x1b[2Jb\n\t\x7f") == "a\\x1b[2Jb\\x0a\\x09\\x7f");
        CHECK(sanitized("\xc2\x9b") == "\\xc2\\x9b");
        CHECK(
            sanitized("gr\xc3\xb6\xc3\x9f"
                      "er \xe2\x82\xac \xf0\x9f\x99\x82") == "größer € 🙂"
        );
        CHECK(sanitized("torn \xc3") == "torn \\xc3");
        CHECK(sanitized("overlong \xc0\xaf") == "overlong \\xc0\\xaf");
        CHECK(sanitized("a\n\tb\r", true) == "a\n\tb\\x0d");
    }

    TEST_CASE("JSON comes out with its members in their order, also those that nobody knows") {
        CHECK(
            written(write_json, R"({"b":1,"a":[],"new":{"x":null}})") ==
            "{\n  \"b\": 1,\n  \"a\": [],\n  \"new\": {\n    \"x\": null\n  }\n}\n"
        );
        CHECK(
            written(write_jsonl, R"([{"b":1,"a":2},{"c":"d"}])") ==
            "{\"b\":1,\"a\":2}\n{\"c\":\"d\"}\n"
        );
        CHECK(written(write_jsonl, "[]") == "");
        CHECK(written(write_json, "[]") == "[]\n");
    }

    TEST_CASE("YAML quotes what could be taken for something else") {
        CHECK(
            written(
                write_yaml,
                R"([{"name":"querier","since":"2026-11-23T08:46:24.123Z","n":3,"list":["a","yes"],
            "empty":[],"none":null,"text":"a: b\nc","deep":{"x":{"y":true}}},"1.5"])"
            ) ==
            "- name: querier\n"
            "  since: \"2026-11-23T08:46:24.123Z\"\n"
            "  \"n\": 3\n"
            "  list:\n"
            "    - a\n"
            "    - \"yes\"\n"
            "  empty: []\n"
            "  none: null\n"
            "  text: \"a: b\\nc\"\n"
            "  deep:\n"
            "    x:\n"
            "      \"y\": true\n"
            "- \"1.5\"\n"
        );
        CHECK(written(write_yaml, "[]") == "[]\n");
        CHECK(written(write_yaml, "{}") == "{}\n");
    }

    TEST_CASE("names are one a line") {
        std::ostringstream out;
        REQUIRE_OK(write_names(out, R"([{"id":"op-1"},{"id":7},"plain",{}])", "id"));
        CHECK(out.str() == "op-1\n7\nplain\n-\n");
    }

    TEST_CASE("what is not JSON is said to be none") {
        std::ostringstream out;
        CHECK_FALSE(write_json(out, "<html>").has_value());
        CHECK_FALSE(write_yaml(out, "").has_value());
        CHECK(out.str() == "");
    }

    TEST_CASE("a member is replaced and the others stay") {
        CHECK(
            *with_member(
                R"({"a":1,"operation":{"id":"op-1"},"z":2})", "operation", R"({"id":"op-1","x":1})"
            ) == R"({"a":1,"operation":{"id":"op-1","x":1},"z":2})"
        );
        CHECK(*member_of(R"({"a":{"b":1}})", "a") == R"({"b":1})");
        CHECK(*member_of(R"({"a":{"b":1}})", "c") == "null");
    }
}

}  // namespace
}  // namespace mimir::ctl
