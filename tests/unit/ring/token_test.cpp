#include "ring/token.hpp"

#include "support/test_support.hpp"

using namespace mimir;
using test::labels;

TEST_SUITE("ring/token") {
    // Reference values of FNV-1, 32 bits: draft-eastlake-fnv, test vectors "a" and "foobar".
    TEST_CASE("tokens are FNV-1 over the tenant and then what belongs to it") {
        const auto tenant = [](std::string_view name) { return *model::TenantId::parse(name); };
        CHECK(ring::token_of(tenant("a"), std::string_view()) == Token{0x050c5d7e});
        CHECK(ring::token_of(tenant("foobar"), std::string_view()) == Token{0x31f0b262});
        CHECK(ring::token_of(tenant("foo"), std::string_view("bar")) == Token{0x31f0b262});
        CHECK(ring::token_of(tenant("f"), labels("{oo=\"bar\"}")) == Token{0x31f0b262});
        CHECK(
            ring::token_of(tenant("f"), labels("{b=\"a\", o=\"o\"}")) ==
            ring::token_of(tenant("fba"), labels("{o=\"o\"}"))
        );
    }
}
