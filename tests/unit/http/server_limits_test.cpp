#include "support/test_support.hpp"
#include "test_server.hpp"

namespace mimir::http::test {
namespace {

using mimir::test::eventually;

bool no_connections(TestServer& server) {
    return eventually(5s, [&] { return server.server->connections() == 0; });
}

TEST_SUITE("http/server limits") {
    TEST_CASE("a head over the limit is a 431") {
        TestServer server({.header_bytes_limit = 2000});
        RawClient client(server.port());
        client.send("GET /hello HTTP/1.1\r\nHost: a\r\nX: " + std::string(3000, 'x') + "\r\n\r\n");
        CHECK(client.read_until().starts_with("HTTP/1.1 431 "));

        RawClient within(server.port());
        within.send("GET /hello HTTP/1.1\r\nHost: a\r\nX: " + std::string(1500, 'x') + "\r\n\r\n");
        CHECK(within.read_until("world").starts_with("HTTP/1.1 200 "));
    }

    TEST_CASE("a body over its route's limit is a 413, announced or not") {
        TestServer server;
        for (const std::string_view request : {
                 "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n",
                 "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n",
                 "POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n",
             }) {
            CAPTURE(request);
            RawClient client(server.port());
            client.send(request);
            client.send(std::string(101, 'x'));
            CHECK(client.read_until().starts_with("HTTP/1.1 413 Request Entity Too Large\r\n"));
        }
        BlockingClient client(server.endpoint());
        const auto within = client.send(
            {.method = Method::post,
             .target = "/small",
             .headers = {},
             .body = std::string(100, 'x')}
        );
        REQUIRE_OK(within);
        CHECK(within->status == 200);
    }

    TEST_CASE("an idle connection is closed after the idle time-out") {
        TestServer server({.idle_timeout = 300ms});
        RawClient client(server.port());
        client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(client.read_until("world").starts_with("HTTP/1.1 200 "));
        CHECK(client.closed_within(5s));
        CHECK(no_connections(server));
    }

    TEST_CASE("a head that does not come is not waited for") {
        TestServer server({.read_timeout = 50ms});
        RawClient client(server.port());
        client.send("GET /hello HTT");
        CHECK(client.closed_within(5s));
        CHECK(no_connections(server));
    }

    TEST_CASE("a body that trickles in is not waited for") {
        TestServer server({.read_timeout = 50ms});
        RawClient client(server.port());
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
        const auto begin = std::chrono::steady_clock::now();
        while (client.send("x") && !client.closed_within(10ms)) {
            REQUIRE(std::chrono::steady_clock::now() - begin < 5s);
        }
        CHECK(no_connections(server));
    }

    TEST_CASE("a body that comes slowly but steadily is received") {
        // More than 500 ms in all; 100 bytes each 10 ms, where 300 ms have to bring 100.
        TestServer server({.read_timeout = 300ms, .progress_bytes_min = 100});
        RawClient client(server.port());
        client.send(
            "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5000\r\n\r\n"
        );
        for (int i = 0; i < 50; ++i) {
            REQUIRE(client.send(std::string(100, 'x')));
            CHECK(!client.closed_within(i < 49 ? 10ms : 0ms));
        }
        CHECK(client.read_until().starts_with("HTTP/1.1 200 "));
    }

    TEST_CASE("a client that does not read its response is dropped") {
        TestServer server({.write_timeout = 50ms});
        RawClient client(server.port());
        client.send("GET /big?bytes=50000000 HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(no_connections(server));
    }

    TEST_CASE("a client that does not read its stream stops the stream") {
        TestServer server({.write_timeout = 50ms});
        RawClient client(server.port());
        client.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(eventually(5s, [&] { return server.endless_ended.load(); }));
        CHECK(no_connections(server));
        // Back-pressure: no more was produced than the sockets' buffers hold.
        CHECK(server.endless_pieces < 5000);
    }

    TEST_CASE("a client that reads nothing of a stream gives its place back") {
        TestServer server({.connections_limit = 1, .write_timeout = 50ms});
        RawClient deaf(server.port());
        deaf.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
        REQUIRE(eventually(5s, [&] { return server.endless_pieces > 0; }));
        CHECK(no_connections(server));
        RawClient next(server.port());
        next.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(next.read_until("world").starts_with("HTTP/1.1 200 "));
    }

    TEST_CASE("a connection over the limit is told so and closed") {
        TestServer server({.connections_limit = 2});
        RawClient first(server.port());
        RawClient second(server.port());
        REQUIRE(eventually(5s, [&] { return server.server->connections() == 2; }));
        for (const std::string_view request : {"", "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"}) {
            CAPTURE(request);
            RawClient third(server.port());
            third.send(request);
            const std::string answer = third.read_until();
            CHECK(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
            CHECK(answer.find("\r\nRetry-After: 1\r\n") != std::string::npos);
            CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
            CHECK(answer.ends_with("\r\n\r\ntoo many connections (limit 2)\n"));
            CHECK(server.server->connections() == 2);
        }
        first.close();
        REQUIRE(eventually(5s, [&] { return server.server->connections() == 1; }));
        RawClient fourth(server.port());
        fourth.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(fourth.read_until("world").starts_with("HTTP/1.1 200 "));
    }

    TEST_CASE(
        "where those that wait make room, a new connection takes the place of the one that waits longest"
    ) {
        const std::string_view hello = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
        const std::string_view wait = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";
        TestServer server({.connections_limit = 3, .replaces_waiting = true});
        RawClient busy(server.port());
        busy.send(wait);
        REQUIRE(eventually(5s, [&] { return server.waiting == 1; }));
        RawClient silent(server.port());
        REQUIRE(eventually(5s, [&] { return server.server->connections() == 2; }));
        RawClient asked(server.port());
        asked.send(hello);
        CHECK(asked.read_until("world").starts_with("HTTP/1.1 200 "));

        // Again while a connection that was just answered does not wait yet.
        const auto wait_in_place_of_another = [&](int waiting) {
            std::unique_ptr<RawClient> client;
            REQUIRE(eventually(5s, [&] {
                client = std::make_unique<RawClient>(server.port());
                client->send(wait);
                return eventually(500ms, [&] { return server.waiting == waiting; });
            }));
            return client;
        };
        const auto fourth = wait_in_place_of_another(2);
        CHECK(silent.closed_within(5s));
        const auto fifth = wait_in_place_of_another(3);
        CHECK(asked.closed_within(5s));

        RawClient sixth(server.port());
        CHECK(sixth.read_until().starts_with("HTTP/1.1 503 "));
        server.release();
        CHECK(busy.read_until("\r\n\r\n").starts_with("HTTP/1.1 200 "));
    }

    TEST_CASE("a flood of silent connections keeps within the limit, and nobody out") {
        TestServer server({.connections_limit = 8, .replaces_waiting = true});
        std::vector<std::unique_ptr<RawClient>> silent;
        for (int i = 0; i < 200; ++i) {
            silent.push_back(std::make_unique<RawClient>(server.port()));
            if (i % 2 == 0) silent.back()->send("GET /hel");
        }
        RawClient client(server.port());
        client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(client.read_until("world").starts_with("HTTP/1.1 200 "));
        // Those that were just sending when they were to make room do so for the next ones.
        CHECK(eventually(5s, [&] {
            const RawClient another(server.port());
            return server.server->connections() <= 8;
        }));
    }
}

}  // namespace
}  // namespace mimir::http::test
