#include "http/server.hpp"

#include <zlib.h>

#include <mutex>
#include <thread>

#include "support/test_support.hpp"
#include "test_server.hpp"

namespace mimir::http::test {
namespace {

using mimir::test::eventually;

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
    return n;
}

std::string gunzip(std::string_view data) {
    z_stream stream{};
    REQUIRE(::inflateInit2(&stream, 15 + 16) == Z_OK);
    std::string out(10 << 20, '\0');
    std::string in(data);
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(::inflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    ::inflateEnd(&stream);
    return out;
}

class Recorder final : public RequestObserver {
  public:
    void request_started(Method, std::string_view) override {
        std::lock_guard lock(mutex_);
        ++started_;
    }
    void request_finished(const RequestSummary& summary) override {
        std::lock_guard lock(mutex_);
        lines_.push_back(fmt::format(
            "{} {} {} {} in={} out={}",
            to_string(summary.method),
            summary.route,
            summary.status,
            summary.target,
            summary.request_bytes,
            summary.response_bytes
        ));
    }
    std::vector<std::string> lines() {
        std::lock_guard lock(mutex_);
        CHECK(started_ >= lines_.size());
        return lines_;
    }

  private:
    std::mutex mutex_;
    std::size_t started_ = 0;
    std::vector<std::string> lines_;
};

TEST_SUITE("http/server") {
    TEST_CASE("a request gets its response, with the headers that HTTP wants") {
        TestServer server;
        RawClient client(server.port());
        client.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        const std::string answer = client.read_until();
        CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
        CHECK(answer.find("\r\nContent-Length: 11\r\n") != std::string::npos);
        CHECK(answer.find("\r\nContent-Type: text/plain; charset=utf-8\r\n") != std::string::npos);
        CHECK(answer.find(" GMT\r\n") != std::string::npos);
        CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
        CHECK(answer.ends_with("\r\n\r\nhello world"));
    }

    TEST_CASE("target, query and trace id reach the handler decoded") {
        TestServer server;
        BlockingClient client(server.endpoint());
        const auto response = client.send({
            .target = "/echo?a=1%202&b=x+y",
            .headers = {{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}},
        });
        REQUIRE_OK(response);
        CHECK(
            response->body == "path=/echo\na=1 2\nb=x y\ntrace=0af7651916cd43dd8448eb211c80319c\n"
        );
    }

    TEST_CASE(
        "one router serves an internal listener and a public one, which hides what is internal"
    ) {
        TestServer server;
        ServerOptions options{.listen = {TcpAddress{"127.0.0.1", 0}}, .serves_internal = true};
        auto& executors = server.executors;
        const auto internal =
            Server::start({executors.io, executors.query}, server.router, std::move(options));
        REQUIRE_OK(internal);
        const auto route = server.router.add({
            .methods = {Method::get},
            .pattern = "/internal/hello",
            .module = "test",
            .handler = [](Request&) -> asio::awaitable<Response> {
                co_return Response::text(200, "hello process");
            },
            .internal = true,
        });
        BlockingClient within({.host = "127.0.0.1", .port = (*internal)->port()});
        BlockingClient outside(server.endpoint());
        CHECK(within.send({.target = "/internal/hello"})->body == "hello process");
        CHECK(within.send({.target = "/hello"})->body == "hello world");
        const auto hidden = outside.send({.target = "/internal/hello"});
        const auto nothing = outside.send({.target = "/internal/nothing"});
        REQUIRE_OK(hidden);
        REQUIRE_OK(nothing);
        CHECK(hidden->status == 404);
        CHECK(hidden->body == nothing->body);
    }

    TEST_CASE("pipelined requests are answered in order") {
        TestServer server;
        RawClient client(server.port());
        std::string requests;
        for (int i = 0; i < 50; ++i) {
            requests += fmt::format(
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\nbody {};",
                i < 10 ? 7 : 8,
                i
            );
        }
        client.send(requests);
        client.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        const std::string answers = client.read_until();
        CHECK(count(answers, "HTTP/1.1 200 OK") == 51);
        std::size_t at = 0;
        for (int i = 0; i < 50; ++i) {
            at = answers.find(fmt::format("\r\n\r\nbody {};", i), at);
            REQUIRE(at != std::string::npos);
        }
    }

    TEST_CASE("a body comes through whole, whatever its size and framing") {
        TestServer server;
        for (const std::size_t bytes : {0, 1, 1000, 16'384, 20'000, 100'000, 3'000'000}) {
            CAPTURE(bytes);
            std::string body(bytes, '\0');
            for (std::size_t i = 0; i < bytes; ++i) body[i] = static_cast<char>('a' + i % 23);
            SUBCASE("announced") {
                BlockingClient client(server.endpoint());
                const auto response = client.send(
                    {.method = Method::post, .target = "/echo", .headers = {}, .body = body}
                );
                REQUIRE_OK(response);
                CHECK(response->body == body);
            }
            SUBCASE("chunked") {
                std::string request =
                    "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n";
                for (std::size_t at = 0; at < bytes; at += 7001) {
                    const std::string piece = body.substr(at, 7001);
                    request += fmt::format("{:x};ext=1\r\n{}\r\n", piece.size(), piece);
                }
                request += "0\r\nTrailer: ignored\r\n\r\n";
                RawClient client(server.port());
                std::thread sender([&] { client.send(request); });
                const std::string answer = client.read_until();
                sender.join();
                const std::size_t end_of_head = answer.find("\r\n\r\n");
                REQUIRE(end_of_head != std::string::npos);
                CHECK(answer.starts_with("HTTP/1.1 200"));
                CHECK(answer.substr(end_of_head + 4) == body);
            }
        }
    }

    TEST_CASE("HEAD has the headers of GET and no body") {
        TestServer server;
        RawClient client(server.port());
        client.send(
            "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n"
            "HEAD /stream?pieces=3 HTTP/1.1\r\nHost: a\r\n\r\n"
            "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        );
        const std::string answers = client.read_until();
        CHECK(count(answers, "HTTP/1.1 200 OK") == 3);
        CHECK(count(answers, "Content-Length: 11") == 2);
        CHECK(count(answers, "hello world") == 1);
        CHECK(count(answers, "piece") == 0);
    }

    TEST_CASE("HTTP/1.0 gets an answer and a closed connection") {
        TestServer server;
        RawClient client(server.port());
        client.send("GET /stream?pieces=2 HTTP/1.0\r\n\r\n");
        const std::string answer = client.read_until();
        CHECK(answer.ends_with("\r\n\r\npiece 0\npiece 1\n"));
        CHECK(answer.find("chunked") == std::string::npos);
    }

    TEST_CASE("100-continue is said before the body is read, and not when it is refused") {
        TestServer server;
        RawClient client(server.port());
        client.send(
            "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
        );
        CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
        client.send("body");
        CHECK(client.read_until("body").starts_with("HTTP/1.1 200 OK"));
        client.send(
            "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\nExpect: 100-continue\r\n\r\n"
        );
        CHECK(client.read_until().starts_with("HTTP/1.1 413 "));
    }

    TEST_CASE("what is not HTTP is a 400 that says why") {
        TestServer server;
        for (const std::string_view text : {
                 "\r\n\r\n",
                 "hello\r\n\r\n",
                 "GET /hello\r\n\r\n",
                 "GET /hello HTTP/3.0\r\nHost: a\r\n\r\n",
                 "GET /hello HTTP/1.1\r\nbad header\r\n\r\n",
                 "GET /hello HTTP/1.1\r\n\r\n",
                 "GET /hello?a=%zz HTTP/1.1\r\nHost: a\r\n\r\n",
                 "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                 "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: "
                 "2\r\n\r\nab",
                 "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n0",
                 "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
             }) {
            CAPTURE(text);
            RawClient client(server.port());
            client.send(text);
            CHECK(client.read_until().starts_with("HTTP/1.1 400 Bad Request\r\n"));
        }
        CHECK(eventually(5s, [&] { return server.server->connections() == 0; }));
    }

    TEST_CASE("an unread body does not spoil the refusal") {
        TestServer server;
        RawClient client(server.port());
        client.send("POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
        client.send(std::string(1'000'000, 'x'));
        CHECK(client.read_until().starts_with("HTTP/1.1 404 Not Found\r\n"));
    }

    TEST_CASE("responses are compressed for those who ask, when it is worth it") {
        TestServer server;
        BlockingClient client(server.endpoint());
        for (const std::size_t bytes : {1000, 2000, 1'000'000}) {
            CAPTURE(bytes);
            const std::string target = fmt::format("/big?bytes={}", bytes);
            const auto plain = client.send({.target = target});
            REQUIRE_OK(plain);
            CHECK(plain->body == std::string(bytes, 'x'));
            CHECK(!plain->headers.has("Content-Encoding"));

            const auto zipped =
                client.send({.target = target, .headers = {{"Accept-Encoding", "deflate, gzip"}}});
            REQUIRE_OK(zipped);
            if (bytes < 1024) {
                CHECK(zipped->body == plain->body);
            } else {
                CHECK(zipped->headers.get("Content-Encoding") == "gzip");
                CHECK(zipped->headers.get("Vary") == "Accept-Encoding");
                CHECK(zipped->body.size() < bytes / 10);
                CHECK(gunzip(zipped->body) == plain->body);
            }
        }
    }

    TEST_CASE("a streamed body ends properly, or visibly not at all") {
        TestServer server;
        BlockingClient client(server.endpoint());
        const auto whole = client.send({.target = "/stream?pieces=100"});
        REQUIRE_OK(whole);
        CHECK(whole->body.ends_with("piece 99\n"));
        CHECK(count(whole->body, "piece") == 100);

        const auto torn = client.send({.target = "/torn"});
        REQUIRE(!torn);
        CHECK(torn.error().kind == ErrorKind::unavailable);
    }

    TEST_CASE("a router's own words answer whatever no handler does") {
        TestServer server(
            {.header_bytes_limit = 2000},
            nullptr,
            [](const auto& refusal, const auto&) {
                return Response::text(
                    refusal.status, fmt::format("in own words: {}", refusal.status)
                );
            }
        );
        server.router.reserve("/stopped", "distributor");
        struct Case {
            std::string request;
            int status;
        };
        const std::string rest = " HTTP/1.1\r\nHost: a\r\n\r\n";
        for (const Case& tried : {
                 Case{"no HTTP at all\r\n\r\n", 400},
                 Case{"GET /hello HTTP/1.1\r\n\r\n", 400},
                 Case{"GET /hello?a=%zz" + rest, 400},
                 Case{
                     "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
                     400
                 },
                 Case{"GET /nowhere" + rest, 404},
                 Case{"DELETE /hello" + rest, 405},
                 Case{"POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", 413},
                 Case{"GET /" + std::string(3000, 'x') + rest, 431},
                 Case{"GET /throw" + rest, 500},
                 Case{"GET /stopped" + rest, 503},
             }) {
            CAPTURE(tried.request);
            RawClient client(server.port());
            client.send(tried.request);
            const std::string words = fmt::format("in own words: {}", tried.status);
            const std::string answer = client.read_until(words);
            CHECK(answer.starts_with(fmt::format("HTTP/1.1 {} ", tried.status)));
            CHECK(answer.ends_with(words));
        }
    }

    TEST_CASE("what a library throws through a handler costs one request") {
        TestServer server;
        BlockingClient client(server.endpoint());
        const auto failed = client.send({.target = "/throw"});
        REQUIRE_OK(failed);
        CHECK(failed->status == 500);
        CHECK(failed->body == "internal error: a library's complaint\n");
        const auto after = client.send({.target = "/hello"});
        REQUIRE_OK(after);
        CHECK(after->status == 200);
    }

    TEST_CASE("the observer hears of every request") {
        Recorder recorder;
        TestServer server({}, &recorder);
        BlockingClient client(server.endpoint());
        REQUIRE_OK(client.send({.target = "/hello?x=1"}));
        REQUIRE_OK(
            client.send({.method = Method::post, .target = "/echo", .headers = {}, .body = "12345"})
        );
        REQUIRE_OK(client.send({.target = "/nowhere"}));
        const std::vector<std::string> expected = {
            "GET hello 200 /hello?x=1 in=0 out=11",
            "POST echo 200 /echo in=5 out=5",
            "GET other 404 /nowhere in=0 out=19",
        };
        CHECK(eventually(5s, [&] { return recorder.lines().size() == 3; }));
        CHECK(recorder.lines() == expected);
    }

    TEST_CASE("one connection carries thousands of requests") {
        TestServer server;
        RawClient client(server.port());
        constexpr int kRequests = 5000;
        std::string batch;
        for (int i = 0; i < 100; ++i) batch += "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
        std::thread sender([&] {
            for (int i = 0; i < kRequests / 100; ++i) client.send(batch);
            client.send("GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        });
        const std::string answers = client.read_until();
        sender.join();
        CHECK(count(answers, "hello world") == kRequests);
    }

    TEST_CASE("many clients at once each get their own answers") {
        TestServer server;
        std::vector<std::thread> threads;
        for (int t = 0; t < 8; ++t) {
            threads.emplace_back([&server, t] {
                BlockingClient client(server.endpoint());
                for (int i = 0; i < 50; ++i) {
                    const std::string body = fmt::format("{}:{};", t, std::string(i * 100, 'y'));
                    const auto response = client.send(
                        {.method = Method::post, .target = "/echo", .headers = {}, .body = body}
                    );
                    REQUIRE_OK(response);
                    CHECK(response->body == body);
                }
            });
        }
        for (auto& thread : threads) thread.join();
    }
}

}  // namespace
}  // namespace mimir::http::test
