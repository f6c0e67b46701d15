#include <thread>

#include "support/test_support.hpp"
#include "test_server.hpp"

namespace mimir::http::test {
namespace {

using mimir::test::eventually;

constexpr std::string_view kWait = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";

TEST_SUITE("http/server stop") {
    TEST_CASE("a client that goes away cancels its request") {
        TestServer server;
        RawClient client(server.port());
        client.send(kWait);
        REQUIRE(eventually(5s, [&] { return server.waiting == 1; }));
        SUBCASE("by closing") { client.close(); }
        SUBCASE("by closing its half") { client.half_close(); }
        CHECK(eventually(5s, [&] { return server.canceled == 1; }));
        CHECK(eventually(5s, [&] { return server.server->connections() == 0; }));
    }

    TEST_CASE("a client that pipelines another request has not gone away") {
        TestServer server;
        RawClient client(server.port());
        client.send(kWait);
        client.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        REQUIRE(eventually(5s, [&] { return server.waiting == 1; }));
        CHECK(!client.closed_within(250ms));
        server.release();
        CHECK(client.read_until().ends_with("hello world"));
        CHECK(server.canceled == 0);
    }

    TEST_CASE("stop lets requests finish, closes the idle, and takes no more") {
        TestServer server;
        RawClient busy(server.port());
        RawClient idle(server.port());
        busy.send(kWait);
        REQUIRE(eventually(5s, [&] {
            return server.waiting == 1 && server.server->connections() == 2;
        }));
        std::thread stopping([&] { server.server->stop(10s); });
        CHECK(idle.closed_within(5s));
        server.release();
        const std::string answer = busy.read_until();
        CHECK(answer.ends_with("released"));
        CHECK(answer.find("Connection: close\r\n") != std::string::npos);
        stopping.join();
        CHECK(server.canceled == 0);
        CHECK(server.server->connections() == 0);

        BlockingClient late(server.endpoint());
        const auto refused = late.send({.target = "/hello"});
        REQUIRE(!refused);
        CHECK(refused.error().kind == ErrorKind::unavailable);
    }

    TEST_CASE("stop cancels what is left after its grace") {
        TestServer server;
        RawClient client(server.port());
        client.send(kWait);
        REQUIRE(eventually(5s, [&] { return server.waiting == 1; }));
        server.server->stop(20ms);
        CHECK(server.canceled == 1);
        CHECK(server.waiting == 0);
        CHECK(client.closed_within(1s));
    }

    TEST_CASE("closing a route waits for its requests, then cancels them") {
        TestServer server;
        RawClient client(server.port());
        client.send(kWait);
        REQUIRE(eventually(5s, [&] { return server.waiting == 1; }));
        for (auto& route : server.routes) route.close(10ms);
        CHECK(server.waiting == 0);
        CHECK(server.canceled == 1);
        CHECK(client.read_until("released").starts_with("HTTP/1.1 200 "));
        client.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        CHECK(client.read_until().starts_with("HTTP/1.1 404 "));
    }

    TEST_CASE("a server under load stops without a stuck or a torn answer") {
        for (int round = 0; round < 5; ++round) {
            TestServer server;
            std::atomic<int> answered = 0;
            std::vector<std::thread> clients;
            for (int t = 0; t < 4; ++t) {
                clients.emplace_back([&] {
                    BlockingClient client(server.endpoint());
                    for (;;) {
                        const auto response = client.send({.target = "/big?bytes=100000"});
                        if (!response) return;
                        CHECK(response->body.size() == 100'000);
                        ++answered;
                    }
                });
            }
            REQUIRE(eventually(10s, [&] { return answered > 20; }));
            server.server->stop(10s);
            for (auto& client : clients) client.join();
        }
    }

    TEST_CASE("a route closes in the face of a client that reads nothing of its stream") {
        TestServer server;
        RawClient deaf(server.port());
        deaf.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
        REQUIRE(eventually(5s, [&] { return server.endless_pieces > 0; }));
        const auto began = std::chrono::steady_clock::now();
        for (RouteRegistration& route : server.routes) route.close(10ms);
        CHECK(
            std::chrono::steady_clock::now() - began < 20s
        );  // of 120 s that it may take to write
        CHECK(server.endless_ended);
    }
}

}  // namespace
}  // namespace mimir::http::test
