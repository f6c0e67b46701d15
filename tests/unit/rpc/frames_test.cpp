#include "rpc/detail/frames.hpp"

#include "rpc/detail/protocol.hpp"
#include "support/test_support.hpp"

namespace mimir::rpc::detail {
namespace {

TEST_SUITE("rpc/frames") {
    TEST_CASE("frames come out whole, however their bytes are cut") {
        std::string bytes;
        append_frame("first", bytes);
        append_frame(std::string(3000, 'x'), bytes);
        append_end(fail_with_id(ErrorKind::limit, "max-series-per-query", "too many"), bytes);
        for (const std::size_t step : {1, 2, 4, 5, 7, 1000, 100'000}) {
            CAPTURE(step);
            FrameParser parser(1 << 20);
            std::vector<std::string> frames;
            for (std::size_t at = 0; at < bytes.size(); at += step) {
                parser.feed(std::string_view(bytes).substr(at, step));
                for (;;) {
                    const auto frame = parser.next();
                    REQUIRE_OK(frame);
                    if (!*frame) break;
                    frames.push_back(**frame);
                }
            }
            REQUIRE(frames.size() == 2);
            CHECK(frames[0] == "first");
            CHECK(frames[1] == std::string(3000, 'x'));
            REQUIRE(parser.end());
            REQUIRE(!*parser.end());
            CHECK(parser.end()->error().kind == ErrorKind::limit);
            CHECK(parser.end()->error().id == "max-series-per-query");
            CHECK(parser.end()->error().message == "too many");
        }
    }

    TEST_CASE("what is no frame is corrupt, and one over the limit is refused unread") {
        std::string end;
        append_end({}, end);
        const std::string after_end = end + "x";
        using namespace std::string_view_literals;
        struct {
            std::string_view name;
            std::string_view bytes;
            ErrorKind kind;
        } const cases[] = {
            {"unknown kind", "\x07\0\0\0\x01x"sv, ErrorKind::corrupt},
            {"an empty frame", "\x01\0\0\0\0"sv, ErrorKind::corrupt},
            {"bytes after the end", after_end, ErrorKind::corrupt},
            {"too long", "\x01\0\0\x10\x01"sv, ErrorKind::limit},
        };
        for (const auto& c : cases) {
            CAPTURE(c.name);
            FrameParser parser(4096);
            parser.feed(c.bytes);
            const auto frame = parser.next();
            REQUIRE(!frame);
            CHECK(frame.error().kind == c.kind);
        }
    }

    TEST_CASE("ids of errors are kept for ever, each once, and only what looks like one") {
        std::string id = "max-series-per-user";
        const std::string_view first = intern_error_id(id);
        CHECK(intern_error_id(std::string(id)).data() == first.data());
        id.assign(id.size(), 'x');
        CHECK(first == "max-series-per-user");
        CHECK(intern_error_id("<script>").empty());
        CHECK(intern_error_id(std::string(200, 'a')).empty());
    }

    TEST_CASE("the newest version that both speak is taken") {
        CHECK(newest_common({1, 3}, {2, 5}) == 3U);
        CHECK(newest_common({1, 1}, {1, 2}) == 1U);
        CHECK(newest_common({1, 1}, {2, 2}) == std::nullopt);
        CHECK(parse_protocol_range("2-3") == ProtocolRange{2, 3});
        CHECK(parse_protocol_range("2") == ProtocolRange{2, 2});
        CHECK(parse_protocol_range("-") == std::nullopt);
    }
}

}  // namespace
}  // namespace mimir::rpc::detail
