#include "wire/labels.hpp"

#include "support/test_support.hpp"

namespace mimir::wire {
namespace {

using model::Label;
using test::labels;

/// A label field as a careless sender may write it.
std::string field(std::string_view name, std::string_view value) {
    std::string bytes;
    model::append_label(bytes, {name, value});
    return bytes;
}

TEST_SUITE_BEGIN("wire/labels");

TEST_CASE("labels in canonical form are known as such") {
    std::vector<Label> parsed;
    for (const auto& set :
         {labels("{}"), labels("up{job=\"a\"}"), labels("{b=\"" + std::string(300, 'x') + "\"}")}) {
        const auto form = parse_labels(set.bytes(), parsed);
        REQUIRE_OK(form);
        CHECK(*form == Form::canonical);
        CHECK(is_canonical(set.bytes()));
        CHECK(parsed == std::vector<Label>(set.begin(), set.end()));
    }
}

TEST_CASE("any other spelling of labels is not the canonical form") {
    using namespace std::literals;
    const struct {
        const char* name;
        std::string bytes;
    } cases[] = {
        {"unsorted", field("b", "1") + field("a", "1")},
        {"duplicate", field("a", "1") + field("a", "1")},
        {"empty value", field("a", "")},
        {"empty name", field("", "1")},
        {"long length", "\x0A\x86\x00\x0A\x01"s + "a\x12\x01" + "1"},
        {"long tag", "\x8A\x00\x06\x0A\x01"s + "a\x12\x01" + "1"},
        {"value before name", "\x0A\x06\x12\x01"s + "1\x0A\x01" + "a"},
        {"unknown field inside", "\x0A\x08\x0A\x01"s + "a\x12\x01" + "1\x18\x01"},
        {"name twice", "\x0A\x09\x0A\x01"s + "b\x0A\x01" + "a\x12\x01" + "1"},
        {"no value", "\x0A\x03\x0A\x01"s + "a"},
    };
    for (const auto& c : cases) {
        CAPTURE(c.name);
        std::vector<Label> parsed;
        const auto form = parse_labels(c.bytes, parsed);
        REQUIRE_OK(form);
        CHECK(*form == Form::other);
        CHECK(!is_canonical(c.bytes));
    }
}

TEST_CASE("malformed labels are invalid") {
    using namespace std::literals;
    const std::string_view cases[] = {
        "\x0A"sv,
        "\x0A\x05"sv,
        "\x0A\x02\x0A\x05"sv,
        "\x0A\x02\x08\x01"sv,
        "\x12\x00"sv,
        "\x08\x01"sv,
        "\x0B\x00"sv,
    };
    for (const auto bytes : cases) {
        CAPTURE(bytes.size());
        std::vector<Label> parsed;
        const auto form = parse_labels(bytes, parsed);
        REQUIRE_FALSE(form.has_value());
        CHECK(form.error().kind == ErrorKind::invalid);
        CHECK(!is_canonical(bytes));
    }
}

TEST_CASE("sorting drops empty values and keeps duplicates in order") {
    const std::string fields = field("b", "2") + field("a", "") + field("c", "3") + field("b", "1");
    std::vector<Label> set;
    REQUIRE_OK(parse_labels(fields, set));
    sort_and_filter(set);
    CHECK(set == std::vector<Label>{{"b", "2"}, {"b", "1"}, {"c", "3"}});
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::wire
