#include "tsdb/block/ulid.hpp"

#include "support/test_support.hpp"

namespace mimir::tsdb {
namespace {

TEST_SUITE_BEGIN("tsdb/block/ulid");

TEST_CASE("a name is the time and eighty random bits, in base 32") {
    SeededRandom random(1);
    const Ulid first = Ulid::create({1'700'000'000'000}, random);
    const Ulid second = Ulid::create({1'700'000'000'001}, random);
    CHECK(first.str().substr(0, 10) == "01HF7YAT00");
    CHECK(first.time() == TimestampMs{1'700'000'000'000});
    CHECK(first < second);
    CHECK(first.str() < second.str());
}

TEST_CASE("any name reads back as it was written") {
    SeededRandom random = test::seeded_random();
    for (int round = 0; round < 1000; ++round) {
        const Ulid ulid =
            Ulid::create({static_cast<std::int64_t>(random.below(1ULL << 48))}, random);
        const auto parsed = Ulid::parse(ulid.str());
        REQUIRE(parsed.has_value());
        CHECK(*parsed == ulid);
    }
    CHECK(Ulid::parse("7ZZZZZZZZZZZZZZZZZZZZZZZZZ")->str() == "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
}

TEST_CASE("other texts are not names") {
    for (const char* text :
         {"",
          "wal",
          "01HF7YAT0000000000000000I0",
          "80000000000000000000000000",
          "01hf7yat000000000000000000",
          "01HF7YAT00000000000000000",
          "01HF7YAT000000000000000000.tmp"}) {
        CAPTURE(text);
        CHECK_FALSE(Ulid::parse(text).has_value());
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::tsdb
