#include "encoding/bytes.hpp"

#include "encoding/compression.hpp"
#include "encoding/crc32c.hpp"
#include "support/test_support.hpp"

namespace mimir::encoding {
namespace {

TEST_SUITE_BEGIN("encoding");

TEST_CASE("what is written is read back") {
    std::string bytes;
    ByteWriter writer(bytes);
    writer.u8(7);
    writer.be16(0x1234);
    writer.be32(0xDEADBEEF);
    writer.be64(UINT64_MAX - 1);
    writer.be_double(-0.5);
    writer.uvarint(UINT64_MAX);
    writer.varint(INT64_MIN);
    writer.varint(-1);
    writer.string("text");
    ByteReader reader(bytes);
    CHECK(reader.u8() == 7);
    CHECK(reader.be16() == 0x1234);
    CHECK(reader.be32() == 0xDEADBEEF);
    CHECK(reader.be64() == UINT64_MAX - 1);
    CHECK(reader.be_double() == -0.5);
    CHECK(reader.uvarint() == UINT64_MAX);
    CHECK(reader.varint() == INT64_MIN);
    CHECK(reader.varint() == -1);
    CHECK(reader.string() == "text");
    CHECK(reader.at_end());
    CHECK(reader.ok());
}

TEST_CASE("reading past the end, or an overlong varint, spoils the reader") {
    ByteReader past("\x01");
    past.be32();
    CHECK_FALSE(past.ok());
    ByteReader overlong("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F");
    overlong.uvarint();
    CHECK_FALSE(overlong.ok());
    ByteReader length("\x7Fx");
    CHECK(length.string().empty());
    CHECK_FALSE(length.ok());
}

TEST_CASE("CRC-32C has the check value of its catalogue entry") {
    CHECK(crc32c("123456789") == 0xE3069283);
    CHECK(crc32c("6789", crc32c("12345")) == 0xE3069283);
    CHECK(crc32c("") == 0);
}

TEST_CASE("a snappy block over the limit is refused before it is unpacked") {
    std::string packed;
    std::string unpacked;
    snappy_compress(std::string(1000, 'x'), packed);
    REQUIRE_OK(snappy_decompress(packed, 1000, unpacked));
    CHECK(unpacked == std::string(1000, 'x'));
    CHECK(snappy_decompress(packed, 999, unpacked).error().kind == ErrorKind::limit);
    CHECK(snappy_decompress("\xFF\xFF", 999, unpacked).error().kind == ErrorKind::corrupt);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::encoding
