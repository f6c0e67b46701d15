#include "http/headers.hpp"

#include "http/detail/response_head.hpp"
#include "support/test_support.hpp"

namespace mimir::http {
namespace {

TEST_SUITE("http/headers") {
    TEST_CASE("names compare without case, values keep theirs") {
        const Headers headers = {{"Content-Type", "Text/Plain"}};
        CHECK(headers.get("content-TYPE") == "Text/Plain");
        CHECK(!headers.get("Content"));
        CHECK(!headers.has(""));
    }

    TEST_CASE("set replaces every field of that name, add keeps them") {
        Headers headers = {{"A", "1"}, {"B", "2"}, {"a", "3"}};
        headers.set("a", "4");
        CHECK(headers.size() == 2);
        CHECK(headers.get("A") == "4");
        CHECK(headers.get("B") == "2");
        headers.add("b", "5");
        CHECK(headers.get("B") == "2");
        CHECK(headers[2].value == "5");
    }

    TEST_CASE("a token is found in a list, over several fields") {
        const Headers headers = {{"Connection", "keep-alive ,  Upgrade"}, {"connection", "CLOSE"}};
        CHECK(headers.has_token("Connection", "upgrade"));
        CHECK(headers.has_token("Connection", "close"));
        CHECK(headers.has_token("Connection", "keep-alive"));
        CHECK(!headers.has_token("Connection", "keep"));
    }

    TEST_CASE("gzip is taken where it is offered") {
        struct Case {
            std::string_view header;
            bool accepts;
        };
        for (const Case& c : {
                 Case{"gzip", true},
                 Case{"deflate, gzip;q=1.0, *;q=0.5", true},
                 Case{"gzip;q=0.001", true},
                 Case{"gzip;q=0", false},
                 Case{"gzip; q=0.0", false},
                 Case{"br, zstd", false},
                 Case{"", false},
             }) {
            CAPTURE(c.header);
            CHECK(detail::accepts_gzip({{"Accept-Encoding", c.header}}) == c.accepts);
        }
        CHECK(!detail::accepts_gzip({}));
    }

    TEST_CASE("a line break in a value does not begin another header") {
        Response response;
        response.headers.add("X-Error", "bad\r\nSet-Cookie: a=b");
        const std::string head = detail::response_head(response, {.body_bytes = 0});
        CHECK(head.find("X-Error: bad  Set-Cookie: a=b\r\n") != std::string::npos);
    }
}

}  // namespace
}  // namespace mimir::http
