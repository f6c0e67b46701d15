#include "chunkenc/detail/bits.hpp"

#include <algorithm>
#include <vector>

#include "chunkenc/detail/varbit.hpp"
#include "support/test_support.hpp"

namespace mimir::chunkenc::detail {
namespace {

TEST_SUITE_BEGIN("chunkenc/bits");

TEST_CASE("bits of any width are read back, at any position and up to the very end") {
    SeededRandom random = test::seeded_random();
    for (int round = 0; round < 200; ++round) {
        struct Field {
            std::uint64_t value;
            unsigned count;
        };
        std::vector<Field> fields;
        BitWriter writer;
        std::uint64_t total = 0;
        for (std::uint64_t i = random.below(40); i > 0; --i) {
            const auto count = static_cast<unsigned>(1 + random.below(64));
            const Field field{random.next() >> (64 - count), count};
            fields.push_back(field);
            writer.put(field.value, field.count);
            total += count;
        }
        CHECK(writer.data().size() == (total + 7) / 8);
        const std::string exact(writer.data());  // so that ASan sees a read behind the end
        BitReader reader(exact);
        for (const Field& field : fields) {
            const unsigned ahead = std::min(field.count, 57u);
            const std::uint64_t peeked = reader.peek() >> (64 - ahead);
            CHECK(peeked == field.value >> (field.count - ahead));
            CHECK(reader.get(field.count) == field.value);
        }
        CHECK(reader.ok());
        CHECK(reader.remaining() < 8);
        reader.get(8);
        CHECK_FALSE(reader.ok());
        CHECK(reader.remaining() == 0);
    }
}

TEST_CASE("a field's largest number stays positive") {
    CHECK(fits_signed(8192, 14));
    CHECK_FALSE(fits_signed(8193, 14));
    CHECK(fits_signed(-8191, 14));
    CHECK_FALSE(fits_signed(-8192, 14));
    CHECK(to_signed(8192, 14) == 8192);
    CHECK(to_signed(8193, 14) == -8191);
    CHECK(to_signed(low_bits(-1, 14), 14) == -1);
    CHECK(to_signed(UINT64_MAX, 64) == -1);
}

TEST_CASE("varbit integers take as many bits as their size needs") {
    struct Case {
        std::int64_t value;
        unsigned bits;
    };
    const std::vector<Case> cases = {
        {0, 1},
        {1, 5},
        {4, 5},
        {-3, 5},
        {5, 9},
        {-4, 9},
        {32, 9},
        {-31, 9},
        {33, 13},
        {256, 13},
        {-256, 17},
        {2048, 17},
        {2049, 24},
        {131072, 24},
        {131073, 32},
        {16777216, 32},
        {-16777216, 64},
        {1LL << 55, 64},
        {(1LL << 55) + 1, 72},
        {INT64_MIN, 72},
        {INT64_MAX, 72},
    };
    for (const Case& c : cases) {
        CAPTURE(c.value);
        BitWriter writer;
        put_varbit(writer, c.value);
        CHECK(writer.data().size() == (c.bits + 7) / 8);
        BitReader reader(writer.data());
        CHECK(get_varbit(reader) == c.value);
        CHECK(reader.remaining() == (8 - c.bits % 8) % 8);
    }
}

TEST_CASE("unsigned varbit integers use the whole of their fields") {
    struct Case {
        std::uint64_t value;
        unsigned bits;
    };
    const std::vector<Case> cases = {
        {0, 1},
        {1, 5},
        {7, 5},
        {8, 9},
        {63, 9},
        {64, 13},
        {511, 13},
        {512, 17},
        {4095, 17},
        {4096, 24},
        {262143, 24},
        {262144, 32},
        {33554431, 32},
        {33554432, 64},
        {(1ULL << 56) - 1, 64},
        {1ULL << 56, 72},
        {UINT64_MAX, 72},
    };
    for (const Case& c : cases) {
        CAPTURE(c.value);
        BitWriter writer;
        put_uvarbit(writer, c.value);
        CHECK(writer.data().size() == (c.bits + 7) / 8);
        BitReader reader(writer.data());
        CHECK(get_uvarbit(reader) == c.value);
        CHECK(reader.remaining() == (8 - c.bits % 8) % 8);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::chunkenc::detail
