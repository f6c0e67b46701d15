#include "model/labels.hpp"

#include "support/test_support.hpp"

namespace mimir::model {
namespace {

using test::labels;

TEST_SUITE_BEGIN("model/labels");

TEST_CASE("a label set is sorted by name, unique, and without empty values") {
    const Labels set{{"b", "2"}, {"a", "1"}, {"empty", ""}, {"b", "3"}};
    CHECK(set.to_string() == R"({a="1", b="3"})");
    CHECK(set.count() == 2);
    CHECK(set.get("b") == "3");
    CHECK(set.get("missing").empty());
}

TEST_CASE("the canonical bytes are the wire form of remote write") {
    const Labels set{{"a", "xy"}};
    CHECK(set.bytes() == std::string_view("\x0A\x07\x0A\x01"
                                          "a\x12\x02xy", 9));
}

TEST_CASE("lengths over one byte are read back") {
    const std::string long_value(70000, 'v');
    const Labels set{{"a", long_value}, {"b", "1"}};
    CHECK(set.get("a") == long_value);
    CHECK(set.get("b") == "1");
}

TEST_CASE("equal sets are equal bytes and equal hashes") {
    CHECK(labels("up{job=\"a\",x=\"y\"}") == labels("up{x=\"y\",job=\"a\"}"));
    CHECK(labels("up{job=\"a\"}").hash() == labels("up{job=\"a\"}").hash());
    CHECK_FALSE(labels("up{job=\"a\"}").hash() == labels("up{job=\"b\"}").hash());
}

TEST_CASE("sets are ordered label by label, the shorter one first") {
    CHECK(labels("{a=\"1\"}") < labels("{a=\"2\"}"));
    CHECK(labels("{a=\"1\"}") < labels("{a=\"1\",b=\"1\"}"));
    CHECK(labels("{a=\"1\",c=\"1\"}") < labels("{b=\"1\"}"));
}

TEST_CASE("a builder changes, adds, removes and keeps labels") {
    const Labels base = labels("up{a=\"1\",b=\"2\",c=\"3\"}");
    LabelsBuilder builder(base);
    builder.set("b", "9").remove("a").set("d", "4");
    CHECK(builder.build() == labels("up{b=\"9\",c=\"3\",d=\"4\"}"));
    builder.keep({"c", "d"});
    CHECK(builder.build() == labels("{c=\"3\",d=\"4\"}"));
}

TEST_CASE("names that are not identifiers are quoted when shown") {
    CHECK(Labels{{kMetricName, "a.b"}, {"x.y", "1"}}.to_string() == R"({__name__="a.b", "x.y"="1"})");
    CHECK(Labels{}.to_string() == "{}");
    CHECK(Labels{{kMetricName, "up"}}.to_string() == "up");
}

TEST_CASE("UTF-8 is checked as the Unicode standard has it") {
    CHECK(is_valid_utf8("aé€😀"));
    CHECK_FALSE(is_valid_utf8("\xC0\x80"));          // overlong
    CHECK_FALSE(is_valid_utf8("\xED\xA0\x80"));      // surrogate
    CHECK_FALSE(is_valid_utf8("\xF4\x90\x80\x80"));  // beyond U+10FFFF
    CHECK_FALSE(is_valid_utf8("a\xE2\x82"));         // cut off
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::model
