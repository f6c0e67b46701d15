#include "ring/instance.hpp"

#include "support/bytes.hpp"
#include "support/test_support.hpp"

using namespace mimir;
using ring::Instance;
using ring::InstanceState;

namespace {

Instance full() {
    return {
        .id = "host-1",
        .address = "10.0.0.1:9095",
        .zone = "a",
        .state = InstanceState::leaving,
        .read_only = true,
        .heartbeat = {1'700'000'000'123},
        .registered = {1'600'000'000'004},
        .read_only_updated = {1'650'000'000'000},
        .tokens = {Token{1}, Token{300}, Token{0xFFFFFFFF}},
        .incarnation = 77,
    };
}

}  // namespace

TEST_SUITE("ring/instance") {
    TEST_CASE("what is encoded decodes to itself") {
        for (const Instance& instance : {full(), Instance{}, Instance{.id = "x"}}) {
            const auto decoded = ring::decode_instance(encode(instance));
            REQUIRE_OK(decoded);
            CHECK(*decoded == instance);
        }
    }
    TEST_CASE("the fields are those of Mimir's InstanceDesc, and ours from 100 on") {
        CHECK(
            test::to_hex(encode(full())) ==
            "0a0d31302e302e302e313a39303935"  // 1: address
            "1080e2cfaa06"                    // 2: heartbeat in seconds
            "a8067b"                          // 101: its milliseconds
            "1801"                            // 3: LEAVING
            "320801ac02ffffffff0f"            // 6: tokens, packed
            "3a0161"                          // 7: zone
            "4080a0f8fa05"                    // 8: registered
            "b00604"                          // 102
            "4a06686f73742d31"                // 9: id
            "508081e49206"                    // 10: read-only since
            "5801"                            // 11: read-only
            "a0064d"                          // 100: incarnation
        );
    }
    TEST_CASE("tokens out of order or twice are put right, unpacked ones are read") {
        const auto decoded = ring::decode_instance(test::from_hex("32020503300530023003"));
        REQUIRE_OK(decoded);
        CHECK(decoded->tokens == std::vector<Token>{Token{2}, Token{3}, Token{5}});
    }
    TEST_CASE("unknown fields are skipped") {
        const auto decoded = ring::decode_instance(test::from_hex("620408011001c83e01"));
        REQUIRE_OK(decoded);
        CHECK(decoded->state == InstanceState::active);
    }
    TEST_CASE("what makes no sense is corrupt") {
        const struct {
            const char* name;
            const char* hex;
        } cases[] = {
            {"a torn field", "0a0d31"},
            {"a state that does not exist", "1804"},
            {"a token of 33 bits", "32058080808010"},
            {"a negative time", "10ffffffffffffffffff01"},
            {"a time beyond 64 bits of milliseconds", "10ffffffffffffffff7f"},
            {"a thousand milliseconds", "a806e807"},
            {"a number where text belongs", "0801"},
        };
        for (const auto& c : cases) {
            CAPTURE(c.name);
            const auto decoded = ring::decode_instance(test::from_hex(c.hex));
            REQUIRE_FALSE(decoded);
            CHECK(decoded.error().kind == ErrorKind::corrupt);
        }
    }
}
