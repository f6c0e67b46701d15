#include "tsdb/block/tombstones.hpp"

#include "support/test_support.hpp"

namespace mimir::tsdb {
namespace {

using namespace std::string_literals;

TEST_SUITE_BEGIN("tsdb/block/tombstones");

TEST_CASE("the file that Prometheus writes with every block holds no tombstones") {
    const std::string empty = "\x01\x30\xBA\x30\x01\0\0\0\0"s;
    const auto parsed = parse_tombstones(empty);
    REQUIRE_OK(parsed);
    CHECK(parsed->empty());
    CHECK(encode({}) == empty);
}

TEST_CASE("tombstones read back as they were written") {
    const Tombstones tombstones = {
        {7, {{{-5}, {10}}, {{20}, {20}}}}, {UINT32_MAX, {{TimestampMs::min(), TimestampMs::max()}}}
    };
    const auto parsed = parse_tombstones(encode(tombstones));
    REQUIRE_OK(parsed);
    CHECK(*parsed == tombstones);
}

TEST_CASE("no changed bit goes unnoticed") {
    const std::string good = encode({{7, {{{-5}, {10}}}}});
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        std::string bad = good;
        bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
        const auto parsed = parse_tombstones(bad);
        REQUIRE_FALSE(parsed.has_value());
        CHECK(parsed.error().kind == ErrorKind::corrupt);
    }
    for (std::size_t size = 0; size < good.size(); ++size) {
        CHECK_FALSE(parse_tombstones(good.substr(0, size)).has_value());
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::tsdb
