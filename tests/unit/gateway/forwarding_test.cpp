#include "components/gateway/forwarding.hpp"

#include "support/test_support.hpp"

namespace mimir::gateway {
namespace {

http::Request request(http::Headers headers, std::string peer = "192.0.2.1:4711") {
    return {.headers = std::move(headers), .peer = {.address = std::move(peer)}};
}

std::string text(const http::Headers& headers) {
    std::string all;
    for (std::size_t i = 0; i < headers.size(); ++i) {
        all += fmt::format("{}: {}\n", headers[i].name, headers[i].value);
    }
    return all;
}

TEST_SUITE("gateway/forwarding") {
    TEST_CASE("what is between neighbours is not passed on") {
        const auto forwarded = forwarded_headers(request({
            {"Host", "mimir.example.com"},
            {"X-Scope-OrgID", "a"},
            {"connection", "keep-alive, X-Private"},
            {"X-Private", "1"},
            {"Keep-Alive", "timeout=5"},
            {"Transfer-Encoding", "chunked"},
            {"Expect", "100-continue"},
            {"TE", "trailers"},
            {"X-Mimird-Cluster", "other"},
            {"Content-Encoding", "snappy"},
            {"Content-Length", "5"},
        }));
        CHECK(
            text(forwarded) ==
            "X-Scope-OrgID: a\nContent-Encoding: snappy\nX-Forwarded-For: 192.0.2.1\n"
        );
        const auto answered = answered_headers({
            {"Content-Type", "text/plain"},
            {"Date", "Mon, 23 Nov 2026 09:00:00 GMT"},
            {"Connection", "close"},
            {"Content-Length", "5"},
            {"Retry-After", "5"},
        });
        CHECK(text(answered) == "Content-Type: text/plain\nRetry-After: 5\n");
    }

    TEST_CASE("the chain of clients grows by the peer") {
        const auto chain = [](http::Headers headers, std::string peer) {
            const auto forwarded = forwarded_headers(request(std::move(headers), std::move(peer)));
            return std::string(forwarded.get("X-Forwarded-For").value_or("none"));
        };
        CHECK(chain({}, "[2001:db8::1]:80") == "2001:db8::1");
        CHECK(chain({}, "@") == "none");
        CHECK(
            chain({{"X-Forwarded-For", "a"}, {"x-forwarded-for", "b"}}, "192.0.2.1:1") ==
            "a, b, 192.0.2.1"
        );
    }

    TEST_CASE("the target keeps path and query as they came") {
        CHECK(forwarded_target({.target = "/a%2Fb?x=1+2", .path = "/a%2Fb"}) == "/a%2Fb?x=1+2");
        CHECK(forwarded_target({.target = "http://other/a?b", .path = "/a"}) == "/a?b");
        CHECK(forwarded_target({.target = "/a", .path = "/a"}) == "/a");
    }

    TEST_CASE("a path of processes is known however it is written") {
        CHECK(is_internal("/internal/v1/ingester/push"));
        CHECK(is_internal("/%69nternal/v1"));
        CHECK(is_internal("/internal"));
        CHECK(!is_internal("/internals"));
        CHECK(!is_internal("/api/internal"));
        CHECK(!is_internal("/"));
    }

    TEST_CASE("an upgrade is one that cannot be passed over") {
        CHECK(wants_upgrade(request({{"Connection", "Upgrade"}, {"Upgrade", "websocket"}})));
        CHECK(!wants_upgrade(request({{"Connection", "Upgrade, HTTP2-Settings"}, {"Upgrade", "h2c"}}
        )));
        CHECK(!wants_upgrade(request({{"Upgrade", "websocket"}})));
    }

    TEST_CASE("a length is one that is a number, and counts") {
        CHECK(content_length({{"Content-Length", "12"}}) == 12);
        CHECK(!content_length({{"Content-Length", "12x"}}));
        CHECK(!content_length({}));
        CHECK(!content_length({{"Content-Length", "12"}, {"Transfer-Encoding", "chunked"}}));
    }
}

}  // namespace
}  // namespace mimir::gateway
