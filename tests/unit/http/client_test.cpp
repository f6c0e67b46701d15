#include "http/client.hpp"

#include <thread>

#include "runtime/run_on.hpp"
#include "support/test_support.hpp"
#include "test_server.hpp"

namespace mimir::http::test {
namespace {

using mimir::test::eventually;

asio::awaitable<Result<std::size_t>> read_all(Client& client, std::string target) {
    ClientRequest request{.target = std::move(target)};
    MIMIR_CO_TRY(
        auto stream, co_await client.open(std::move(request), CancellationToken::create())
    );
    std::size_t bytes = 0;
    for (;;) {
        MIMIR_CO_TRY(const std::string_view piece, co_await stream->read());
        if (piece.empty()) co_return bytes;
        bytes += piece.size();
    }
}

TEST_SUITE("http/client") {
    TEST_CASE("requests share a kept connection") {
        TestServer server;
        BlockingClient client(server.endpoint());
        for (int i = 0; i < 100; ++i) REQUIRE_OK(client.send({.target = "/hello"}));
        CHECK(server.server->connections() == 1);
    }

    TEST_CASE("what would add lines to the head is not sent") {
        TestServer server;
        BlockingClient client(server.endpoint());
        for (const ClientRequest& request :
             {ClientRequest{.target = "/hello", .headers = {{"X-A", "a\r\nX-B: b"}}, .body = ""},
              ClientRequest{.target = "/hello", .headers = {{"X-A\n", "a"}}, .body = ""},
              ClientRequest{.target = "/hello HTTP/1.1\r\nX-B: b", .headers = {}, .body = ""}}) {
            const auto answer = client.send(request);
            REQUIRE(!answer);
            CHECK(answer.error().kind == ErrorKind::invalid);
        }
        CHECK(server.server->connections() == 0);
    }

    TEST_CASE("a kept connection that the server closed is not the caller's trouble") {
        TestServer server({.idle_timeout = 200ms});
        BlockingClient client(server.endpoint());
        for (int i = 0; i < 3; ++i) {
            REQUIRE_OK(
                client.send({.method = Method::post, .target = "/echo", .headers = {}, .body = "a"})
            );
            REQUIRE(eventually(5s, [&] { return server.server->connections() == 0; }));
        }
    }

    TEST_CASE("a deadline ends the wait for an answer") {
        TestServer server;
        BlockingClient client(server.endpoint());
        const auto deadline = std::chrono::steady_clock::now() + 300ms;
        const auto late = client.send({.target = "/wait"}, CancellationToken::create(deadline));
        REQUIRE(!late);
        CHECK(late.error().kind == ErrorKind::timeout);
        CHECK(eventually(5s, [&] { return server.canceled == 1; }));
    }

    TEST_CASE("a canceled token ends the wait, and cancels the request at the other end") {
        TestServer server;
        BlockingClient client(server.endpoint());
        auto token = CancellationToken::create();
        std::thread canceling([&] {
            REQUIRE(eventually(5s, [&] { return server.waiting == 1; }));
            token.cancel();
        });
        const auto canceled = client.send({.target = "/wait"}, token);
        canceling.join();
        REQUIRE(!canceled);
        CHECK(canceled.error().kind == ErrorKind::canceled);
        CHECK(eventually(5s, [&] { return server.canceled == 1; }));
    }

    TEST_CASE("an unreachable server is unavailable, and named") {
        std::uint16_t port = 0;
        {
            TestServer server;
            port = server.port();
        }
        BlockingClient client({.host = "127.0.0.1", .port = port});
        const auto refused = client.send({.target = "/hello"});
        REQUIRE(!refused);
        CHECK(refused.error().kind == ErrorKind::unavailable);
        CHECK(
            refused.error().message ==
            fmt::format("connecting to http://127.0.0.1:{}: Connection refused", port)
        );

        BlockingClient nowhere({.unix_path = "/nonexistent/admin.sock"});
        const auto missing = nowhere.send({.target = "/hello"});
        REQUIRE(!missing);
        CHECK(
            missing.error().message ==
            "connecting to unix:///nonexistent/admin.sock: No such file or directory"
        );
    }

    TEST_CASE("an answer over the limit is refused") {
        TestServer server;
        BlockingClient client(server.endpoint(), {.response_bytes_limit = 1000});
        REQUIRE_OK(client.send({.target = "/big?bytes=1000"}));
        const auto too_big = client.send({.target = "/big?bytes=1001"});
        REQUIRE(!too_big);
        CHECK(too_big.error().kind == ErrorKind::limit);
    }

    TEST_CASE("a streamed answer is read piece by piece, on a connection that is kept") {
        TestServer server;
        runtime::IoThreads io(1);
        Client client(io, server.endpoint());
        for (int i = 0; i < 3; ++i) {
            const auto bytes = runtime::wait(io, read_all(client, "/stream?pieces=1000"));
            REQUIRE_OK(bytes);
            CHECK(*bytes == 9890);
        }
        CHECK(server.server->connections() == 1);
        const auto bytes = runtime::wait(io, read_all(client, "/big?bytes=5000000"));
        REQUIRE_OK(bytes);
        CHECK(*bytes == 5'000'000);
    }

    TEST_CASE("an answer that is no success is not streamed") {
        TestServer server;
        BlockingClient client(server.endpoint());
        const auto on_piece = [](std::string_view) {
            FAIL_CHECK("a refusal came as a piece of the stream");
            return true;
        };
        const auto response = client.stream({.target = "/absent"}, on_piece);
        REQUIRE_OK(response);
        CHECK(response->status == 404);
        CHECK_FALSE(response->body.empty());
    }

    TEST_CASE("a stream that is given up ends at the other end") {
        TestServer server;
        BlockingClient client(server.endpoint());
        std::size_t bytes = 0;
        const auto response = client.stream({.target = "/endless"}, [&](std::string_view piece) {
            bytes += piece.size();
            return bytes < 100'000;
        });
        REQUIRE_OK(response);
        CHECK(response->status == 200);
        CHECK(bytes >= 100'000);
        CHECK(eventually(5s, [&] { return server.endless_ended.load(); }));
    }

    TEST_CASE("HEAD, 404 and 503 are answers like others") {
        TestServer server;
        server.router.reserve("/push", "distributor");
        BlockingClient client(server.endpoint());
        const auto head = client.send({.method = Method::head, .target = "/hello"});
        REQUIRE_OK(head);
        CHECK(head->status == 200);
        CHECK(head->body.empty());
        const auto missing = client.send({.target = "/nowhere"});
        REQUIRE_OK(missing);
        CHECK(missing->status == 404);
        const auto stopped = client.send(
            {.method = Method::post,
             .target = "/push",
             .headers = {},
             .body = std::string(1'000'000, 'x')}
        );
        REQUIRE_OK(stopped);
        CHECK(stopped->status == 503);
        CHECK(stopped->body == "module distributor is not running\n");
    }

    TEST_CASE("many coroutines use one client") {
        TestServer server;
        runtime::IoThreads io(2);
        Client client(io, server.endpoint(), {.idle_connections_limit = 4});
        std::vector<std::thread> threads;
        for (int t = 0; t < 6; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < 40; ++i) {
                    const auto bytes = runtime::wait(io, read_all(client, "/big?bytes=12345"));
                    REQUIRE_OK(bytes);
                    CHECK(*bytes == 12'345);
                }
            });
        }
        for (auto& thread : threads) thread.join();
        CHECK(eventually(5s, [&] { return server.server->connections() <= 4; }));
    }
}

}  // namespace
}  // namespace mimir::http::test
