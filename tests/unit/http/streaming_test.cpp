#include <thread>

#include "runtime/run_on.hpp"
#include "runtime/task_scope.hpp"
#include "support/test_support.hpp"
#include "test_server.hpp"

namespace mimir::http::test {
namespace {

using mimir::test::eventually;

constexpr std::size_t kLimit = 32 << 20;

/// A server with routes that stream:
///     POST /count    reads everything (at most kLimit), answers with the number of bytes
///     POST /stall    reads nothing until it is released, then everything
///     POST /ignore   answers and reads nothing
///     POST /mirror   streams the body back
class StreamingServer : public TestServer {
  public:
    explicit StreamingServer(ServerOptions options = {}) : TestServer(std::move(options)) {
        add_streaming("/count", [this](Request& request) { return count(request, false); });
        add_streaming("/stall", [this](Request& request) { return count(request, true); });
        add_streaming("/ignore", ignore);
        add_streaming("/mirror", mirror);
    }
    ~StreamingServer() { released = true; }

    std::atomic<std::size_t> bytes = 0;
    std::atomic<bool> entered = false;
    std::atomic<bool> failed = false;

  private:
    void add_streaming(std::string pattern, Handler handler) {
        routes.push_back(router.add(
            {.methods = {Method::post},
             .pattern = std::move(pattern),
             .module = "test",
             .handler = std::move(handler),
             .body_bytes_limit = kLimit,
             .streams_body = true}
        ));
    }

    asio::awaitable<Response> count(Request& request, bool waits) {
        entered = true;
        while (waits && !released) co_await runtime::sleep_for(1ms);
        for (;;) {
            const auto piece = co_await request.body_reader->read();
            if (!piece) failed = true;
            if (!piece || piece->empty()) break;
            bytes += piece->size();
        }
        co_return Response::text(200, std::to_string(bytes));
    }

    static asio::awaitable<Response> ignore(Request&) { co_return Response::text(200, "no"); }

    static asio::awaitable<Response> mirror(Request& request) {
        Response response;
        response.stream_bytes = request.body_reader->bytes();
        response.stream = [reader = request.body_reader](BodyWriter& writer) {
            return copy(*reader, writer);
        };
        co_return response;
    }

    static asio::awaitable<Result<void>> copy(BodyReader& reader, BodyWriter& writer) {
        for (;;) {
            MIMIR_CO_TRY(const std::string_view piece, co_await reader.read());
            if (piece.empty()) co_return Result<void>();
            MIMIR_CO_TRY(co_await writer.write(piece));
        }
    }
};

std::string chunk(std::string_view piece) {
    return fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
}

constexpr std::string_view kChunkedHead =
    "POST {} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string chunked_head(std::string_view path) {
    return fmt::format(fmt::runtime(kChunkedHead), path);
}

/// Pieces from a list, and then perhaps an error.
class Pieces final : public BodyReader {
  public:
    explicit Pieces(std::size_t count, std::string piece, bool is_announced = false)
        : count_(count), piece_(std::move(piece)), is_announced_(is_announced) {}

    [[nodiscard]] std::optional<std::uint64_t> bytes() const override {
        return is_announced_ ? std::optional<std::uint64_t>(count_ * piece_.size()) : std::nullopt;
    }
    asio::awaitable<Result<std::string_view>> read() override {
        if (given == fails_after) co_return fail(ErrorKind::limit, "the source is dry");
        if (given == count_) co_return std::string_view();
        ++given;
        co_return std::string_view(piece_);
    }

    std::atomic<std::size_t> given = 0;
    std::size_t fails_after = std::numeric_limits<std::size_t>::max();

  private:
    const std::size_t count_;
    const std::string piece_;
    const bool is_announced_;
};

TEST_SUITE("http/streaming") {
    TEST_CASE("a handler gets the first bytes of a body before the last are sent") {
        StreamingServer server;
        RawClient client(server.port());
        client.send(chunked_head("/count"));
        REQUIRE(eventually(5s, [&] { return server.entered.load(); }));
        client.send(chunk("first"));
        REQUIRE(eventually(5s, [&] { return server.bytes == 5; }));
        client.send(chunk(" and last") + "0\r\n\r\n");
        CHECK(client.read_until("14").ends_with("\r\n\r\n14"));
        SUBCASE("and the connection serves the next request") {
            client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
            CHECK(client.read_until("hello world").starts_with("HTTP/1.1 200"));
        }
    }

    TEST_CASE("what the handler does not read, the client cannot send") {
        StreamingServer server;
        RawClient client(server.port());
        std::atomic<bool> sent = false;
        std::thread sender([&] {
            client.send(
                fmt::format("POST /stall HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", kLimit)
            );
            client.send(std::string(kLimit, 'x'));
            sent = true;
        });
        CHECK(!eventually(200ms, [&] { return sent.load(); }));
        server.release();
        CHECK(client.read_until(std::to_string(kLimit)).starts_with("HTTP/1.1 200"));
        sender.join();
    }

    TEST_CASE("a body over the limit is refused while it is read, whatever the handler says") {
        StreamingServer server;
        RawClient client(server.port());
        SUBCASE("chunked") {
            client.send(chunked_head("/count"));
            const std::string piece = chunk(std::string(1 << 20, 'x'));
            for (std::size_t sent = 0; sent <= kLimit && client.send(piece);) sent += 1 << 20;
            CHECK(server.bytes <= kLimit);
        }
        SUBCASE("announced, and then it is not asked for") {
            client.send(fmt::format(
                "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n"
                "Expect: 100-continue\r\n\r\n",
                kLimit + 1
            ));
        }
        CHECK(client.read_until("\r\n").starts_with("HTTP/1.1 413 "));
        CHECK(server.failed);
    }

    TEST_CASE("a client that waits to be asked for the body is asked when the handler reads") {
        StreamingServer server;
        RawClient client(server.port());
        client.send(
            "POST /stall HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        );
        REQUIRE(eventually(5s, [&] { return server.entered.load(); }));
        server.release();
        CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
        client.send("ab");
        CHECK(client.read_until("2").starts_with("HTTP/1.1 200"));
    }

    TEST_CASE("a client that stalls in its body is cut off") {
        StreamingServer server({.read_timeout = 50ms});
        RawClient client(server.port());
        client.send(chunked_head("/count") + chunk("a"));
        CHECK(client.closed_within(5s));
        CHECK(eventually(5s, [&] { return server.failed.load(); }));
    }

    TEST_CASE("a client that goes away in its body ends the handler's reading") {
        StreamingServer server;
        RawClient client(server.port());
        client.send(chunked_head("/count") + chunk("a"));
        REQUIRE(eventually(5s, [&] { return server.bytes == 1; }));
        client.close();
        CHECK(eventually(5s, [&] { return server.failed.load(); }));
    }

    TEST_CASE("an answer may come before the body has been read, and ends the connection") {
        StreamingServer server;
        RawClient client(server.port());
        client.send(chunked_head("/ignore") + chunk("a"));
        const std::string answer = client.read_until();
        CHECK(answer.starts_with("HTTP/1.1 200"));
        CHECK(answer.find("Connection: close") != std::string::npos);
    }

    TEST_CASE("a body comes back while it is sent, with its length where it is known") {
        StreamingServer server;
        RawClient client(server.port());
        client.send(chunked_head("/mirror") + chunk("abc"));
        CHECK(client.read_until("abc").find("Transfer-Encoding: chunked") != std::string::npos);
        client.send(chunk("def") + "0\r\n\r\n");
        CHECK(client.read_until("def").find("HTTP") == std::string::npos);

        RawClient other(server.port());
        other.send("POST /mirror HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
        CHECK(other.read_until("abc").find("Content-Length: 6\r\n") != std::string::npos);
        other.send("def");
        CHECK(other.read_until("def") == "def");
    }

    TEST_CASE("a client sends a body piece by piece") {
        StreamingServer server;
        Client client(server.executors.io, server.endpoint());
        for (const bool is_announced : {false, true, false, true}) {
            CAPTURE(is_announced);
            Pieces body(300, std::string(10'007, 'x'), is_announced);
            bool begun = false;
            const auto response = runtime::wait(
                server.executors.io,
                client.send(
                    {.method = Method::post,
                     .target = "/echo",
                     .body_reader = &body,
                     .begun = &begun},
                    CancellationToken::create()
                )
            );
            REQUIRE_OK(response);
            CHECK(response->body == std::string(300 * 10'007, 'x'));
            CHECK(begun);
            CHECK(server.server->connections() == 1);  // it is kept
        }
    }

    TEST_CASE("a body is not sent on once it has been refused") {
        StreamingServer server;
        Client client(server.executors.io, server.endpoint());
        Pieces body(1'000'000, std::string(1'000, 'x'));
        const auto response = runtime::wait(
            server.executors.io,
            client.send(
                {.method = Method::post, .target = "/small", .body_reader = &body},
                CancellationToken::create()
            )
        );
        REQUIRE_OK(response);
        CHECK(response->status == 413);
        CHECK(body.given < 1'000'000);
    }

    TEST_CASE("an error of the body's source is the call's, and the server knows the body is torn"
    ) {
        StreamingServer server;
        Client client(server.executors.io, server.endpoint());
        Pieces body(10, std::string(1'000, 'x'));
        body.fails_after = 5;
        const auto response = runtime::wait(
            server.executors.io,
            client.send(
                {.method = Method::post, .target = "/count", .body_reader = &body},
                CancellationToken::create()
            )
        );
        REQUIRE(!response);
        CHECK(response.error().message == "the source is dry");
        CHECK(eventually(5s, [&] { return server.failed.load(); }));
    }

    TEST_CASE("a body that is not as long as announced is not sent for whole") {
        StreamingServer server;
        Client client(server.executors.io, server.endpoint());
        Pieces body(10, "x", true);
        class Longer final : public BodyReader {
          public:
            explicit Longer(BodyReader& body) : body_(body) {}
            [[nodiscard]] std::optional<std::uint64_t> bytes() const override { return 11; }
            asio::awaitable<Result<std::string_view>> read() override { return body_.read(); }

          private:
            BodyReader& body_;
        } longer(body);
        const auto response = runtime::wait(
            server.executors.io,
            client.send(
                {.method = Method::post, .target = "/count", .body_reader = &longer},
                CancellationToken::create()
            )
        );
        REQUIRE(!response);
        CHECK(response.error().kind == ErrorKind::invalid);
    }

    TEST_CASE("a server that neither takes the request nor answers is given up after the stall time"
    ) {
        StreamingServer server;
        Client client(server.executors.io, server.endpoint(), {.stall_timeout = 100ms});
        Pieces body(10'000, std::string(100'000, 'x'));
        const auto call = [&](ClientRequest request) {
            return runtime::wait(
                server.executors.io, client.send(std::move(request), CancellationToken::create())
            );
        };
        const auto taken_not =
            call({.method = Method::post, .target = "/stall", .body_reader = &body});
        REQUIRE(!taken_not);
        CHECK(taken_not.error().kind == ErrorKind::timeout);
        const auto answered_not = call({.target = "/wait"});
        REQUIRE(!answered_not);
        CHECK(answered_not.error().kind == ErrorKind::timeout);
        server.release();
        CHECK(call({.target = "/hello"}));
    }

    TEST_CASE("a streamed answer of the wrong length breaks off") {
        StreamingServer server;
        const auto route = server.router.add(
            {.methods = {Method::get},
             .pattern = "/short",
             .module = "test",
             .handler = [](Request&) -> asio::awaitable<Response> {
                 Response response;
                 response.stream_bytes = 10;
                 response.stream = [](BodyWriter& writer) { return writer.write("short"); };
                 co_return response;
             }}
        );
        BlockingClient client(server.endpoint());
        const auto response = client.send({.target = "/short"});
        REQUIRE(!response);
        CHECK(response.error().kind == ErrorKind::unavailable);
    }
}

}  // namespace
}  // namespace mimir::http::test
