#include "wire/remote_read.hpp"

#include "encoding/crc32c.hpp"
#include "support/test_support.hpp"
#include "wire/proto.hpp"

namespace mimir::wire {
namespace {

using test::labels;

TEST_SUITE_BEGIN("wire/remote_read");

TEST_CASE("a read request is decoded with its matchers, and unknown response types are left out") {
    ReadRequest sent;
    sent.queries.push_back({{{-10}, {20}}, {model::Matcher::equal("job", "a")}});
    sent.queries[0].matchers.push_back(
        *model::Matcher::create(model::MatchType::not_regex, "x", "a.*")
    );
    sent.accepted = {ReadResponseType::streamed_xor_chunks, ReadResponseType::samples};
    std::string body;
    encode_read_request(sent, body);
    ProtoWriter(body).uint64(2, 7);

    const auto got = decode_read_request(body);
    REQUIRE_OK(got);
    REQUIRE(got->queries.size() == 1);
    CHECK(got->queries[0].range == sent.queries[0].range);
    CHECK(got->queries[0].matchers == sent.queries[0].matchers);
    CHECK(got->accepted == sent.accepted);
    CHECK(got->names_accepted);
}

TEST_CASE("malformed read requests are invalid") {
    using namespace std::literals;
    for (const auto body :
         {"x"sv,
          "\x0A\x05"sv,
          "\x0A\x04\x1A\x02\x08\x04"sv,
          "\x0A\x09\x1A\x07\x08\x02\x12\x00\x1A\x01("sv}) {
        CAPTURE(body.size());
        const auto got = decode_read_request(body);
        REQUIRE_FALSE(got.has_value());
        CHECK(got.error().kind == ErrorKind::invalid);
    }
}

TEST_CASE("a streamed frame holds its length, its checksum, and one series with its chunks") {
    const ReadChunk chunk{{{1}, {2}}, 1, "data"};
    std::string out;
    append_chunked_frame(labels("up"), std::span(&chunk, 1), 3, out);
    encoding::ByteReader frame(out);
    const std::size_t size = frame.uvarint();
    const std::uint32_t checksum = frame.be32();
    CHECK(frame.remaining() == size);
    CHECK(checksum == encoding::crc32c(frame.rest()));

    ProtoReader message(frame.rest());
    REQUIRE(message.next());
    const std::string_view series = message.bytes();
    CHECK(series.starts_with(labels("up").bytes()));
    REQUIRE(message.next());
    CHECK(message.field() == 2);
    CHECK(message.uint64() == 3);
    ProtoReader fields(series.substr(labels("up").bytes().size()));
    REQUIRE(fields.next());
    CHECK(
        fields.bytes() == std::string_view("\x08\x01\x10\x02\x18\x01\x22\x04"
                                           "data")
    );
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::wire
