#include "http/tls.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "base/guarded.hpp"
#include "runtime/run_on.hpp"
#include "support/test_support.hpp"
#include "test_certificates.hpp"
#include "test_server.hpp"

namespace mimir::http::test {
namespace {

using mimir::test::eventually;

std::shared_ptr<const TlsServerContext> server_context(const TlsServerOptions& options) {
    auto context = TlsServerContext::load(options);
    REQUIRE_OK(context);
    return *std::move(context);
}

asio::awaitable<Response> who(Request& request) {
    co_return Response::text(200, request.peer.certificate_name);
}

/// What went wrong before any request.
class Failures final : public RequestObserver {
  public:
    void request_started(Method, std::string_view) override {}
    void request_finished(const RequestSummary&) override {}
    void handshake_failed(const Peer&, const Error& why) override {
        last_.with([&](std::string& last) { last = why.message; });
        ++count;
    }
    [[nodiscard]] std::string last() {
        return last_.with([](const std::string& last) { return last; });
    }
    std::atomic<int> count = 0;

  private:
    Guarded<std::string> last_;
};

/// A server on a port with TLS, its CA, and clients that trust it.
struct Fixture {
    explicit Fixture(bool mutual = false, ServerOptions options = {})
        : server(with_tls(std::move(options), mutual), &failures) {
        route = server.router.add(
            {.methods = {Method::get}, .pattern = "/who", .module = "test", .handler = who}
        );
    }

    ServerOptions with_tls(ServerOptions options, bool mutual) {
        const PemFiles files = ca.issue({.name = "server"});
        auto context = server_context(
            {.certificate_file = files.certificate,
             .key_file = files.key,
             .client_ca_file = mutual ? ca.file() : ""}
        );
        options.listen = {TcpAddress{.host = "127.0.0.1", .port = 0, .tls = std::move(context)}};
        return options;
    }

    [[nodiscard]] Endpoint endpoint(std::string host = "127.0.0.1") const {
        return {.host = std::move(host), .port = server.port(), .tls = true};
    }
    [[nodiscard]] static ClientOptions trusting(const TlsClientOptions& options) {
        auto context = TlsClientContext::load(options);
        REQUIRE_OK(context);
        return {.tls = *std::move(context)};
    }
    [[nodiscard]] ClientOptions trusting() const { return trusting({.ca_file = ca.file()}); }

    /// The message of the error that a request ends with.
    [[nodiscard]] static std::string refusal(
        const Endpoint& endpoint, const ClientOptions& options
    ) {
        BlockingClient client(endpoint, options);
        const auto response = client.send({.target = "/hello"});
        if (response) return "none";
        CHECK(response.error().kind == ErrorKind::unavailable);
        return response.error().message;
    }

    mimir::test::TempDir dir;
    TestCa ca{dir.path(), "ca"};
    Failures failures;
    TestServer server;
    RouteRegistration route;
};

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

TEST_SUITE("http/tls") {
    TEST_CASE("requests, big bodies both ways and streams go over one connection") {
        Fixture fixture;
        BlockingClient client(fixture.endpoint(), fixture.trusting());
        const std::string body(3'000'000, 'b');
        for (int i = 0; i < 3; ++i) {
            const auto hello = client.send({.target = "/hello"});
            REQUIRE_OK(hello);
            CHECK(hello->body == "hello world");
            const auto echo =
                client.send({.method = Method::post, .target = "/echo", .headers = {}, .body = body}
                );
            REQUIRE_OK(echo);
            CHECK(echo->body == body);
            std::string streamed;
            const auto append = [&](std::string_view piece) {
                streamed += piece;
                return true;
            };
            REQUIRE_OK(client.stream({.target = "/stream?pieces=1000"}, append));
            CHECK(streamed.ends_with("piece 999\n"));
        }
        CHECK(fixture.server.server->connections() == 1);
        CHECK(fixture.failures.count == 0);
    }

    TEST_CASE("many clients at once") {
        Fixture fixture;
        const ClientOptions options = fixture.trusting();
        std::vector<std::thread> threads;
        for (int t = 0; t < 8; ++t) {
            threads.emplace_back([&] {
                BlockingClient client(fixture.endpoint(), options);
                for (int i = 0; i < 20; ++i) {
                    const auto answer = client.send({.target = "/big?bytes=100000"});
                    REQUIRE_OK(answer);
                    CHECK(answer->body.size() == 100'000);
                }
            });
        }
        for (auto& thread : threads) thread.join();
    }

    TEST_CASE("a certificate is refused when its CA, name or dates are wrong") {
        Fixture fixture;
        TestCa other(fixture.dir.path(), "other-ca");
        CHECK(contains(
            fixture.refusal(fixture.endpoint(), fixture.trusting({.ca_file = other.file()})),
            "the server's certificate comes from a CA that is not trusted here"
        ));
        CHECK(eventually(5s, [&] {
            return contains(fixture.failures.last(), "does not know the CA");
        }));
        CHECK(contains(
            fixture.refusal(fixture.endpoint(), {}), "comes from a CA that is not trusted here"
        ));
        CHECK(contains(
            fixture.refusal(
                fixture.endpoint(),
                fixture.trusting({.ca_file = fixture.ca.file(), .server_name = "example.com"})
            ),
            "the server's certificate is not for \"example.com\""
        ));
        CHECK(contains(
            fixture.refusal(fixture.endpoint("127.0.0.2"), fixture.trusting()), "127.0.0.2"
        ));
        // By its name it is right, and whoever asks for no check gets none.
        CHECK(fixture.refusal(fixture.endpoint("localhost"), fixture.trusting()) == "none");
        CHECK(
            fixture.refusal(fixture.endpoint(), fixture.trusting({.insecure_skip_verify = true})) ==
            "none"
        );
    }

    TEST_CASE("with a client CA, only who has a certificate of it is served, by name") {
        Fixture fixture(true);
        const PemFiles admin = fixture.ca.issue({.name = "admin"});
        BlockingClient client(
            fixture.endpoint(),
            fixture.trusting(
                {.ca_file = fixture.ca.file(),
                 .certificate_file = admin.certificate,
                 .key_file = admin.key}
            )
        );
        const auto named = client.send({.target = "/who"});
        REQUIRE_OK(named);
        CHECK(named->body == "admin");

        CHECK(contains(
            fixture.refusal(fixture.endpoint(), fixture.trusting()),
            "the server asks for a client certificate"
        ));
        CHECK(eventually(5s, [&] {
            return contains(fixture.failures.last(), "the client shows no certificate");
        }));
        TestCa other(fixture.dir.path(), "other-ca");
        const PemFiles stranger = other.issue({.name = "stranger"});
        CHECK(contains(
            fixture.refusal(
                fixture.endpoint(),
                fixture.trusting(
                    {.ca_file = fixture.ca.file(),
                     .certificate_file = stranger.certificate,
                     .key_file = stranger.key}
                )
            ),
            "does not know the CA"
        ));
        CHECK(fixture.refusal(fixture.endpoint(), fixture.trusting()) != "none");
        REQUIRE_OK(client.send({.target = "/who"}));
    }

    TEST_CASE("without a client CA there is no name") {
        Fixture fixture;
        BlockingClient client(fixture.endpoint(), fixture.trusting());
        const auto named = client.send({.target = "/who"});
        REQUIRE_OK(named);
        CHECK(named->body.empty());
    }

    TEST_CASE("plain HTTP to a TLS port is told so, TLS to a plain port fails and says why") {
        Fixture fixture;
        BlockingClient plain({.host = "127.0.0.1", .port = fixture.server.port()});
        const auto told = plain.send({.target = "/hello"});
        REQUIRE_OK(told);
        CHECK(told->status == 400);
        CHECK(contains(told->body, "use https://"));
        CHECK(eventually(5s, [&] { return contains(fixture.failures.last(), "plain HTTP"); }));

        RawClient noise(fixture.server.port());
        noise.send("\x01\x02 what is this?\r\n\r\n");
        CHECK(noise.closed_within(5s));

        TestServer without;
        const Endpoint endpoint{.host = "127.0.0.1", .port = without.port(), .tls = true};
        CHECK(contains(
            fixture.refusal(endpoint, fixture.trusting()), "does not speak TLS on this port"
        ));
    }

    TEST_CASE("a handshake that stalls is cut off, and holds nobody up") {
        Fixture fixture(false, {.read_timeout = 300ms});
        RawClient silent(fixture.server.port());
        RawClient halfway(fixture.server.port());
        halfway.send("\x16\x03\x01\x02");
        CHECK(fixture.refusal(fixture.endpoint(), fixture.trusting()) == "none");
        CHECK(silent.closed_within(5s));
        CHECK(halfway.closed_within(5s));
        CHECK(eventually(5s, [&] { return fixture.server.server->connections() == 0; }));
        CHECK(contains(fixture.failures.last(), "stalls"));
    }

    TEST_CASE("a client does not wait for ever for a handshake") {
        Fixture fixture;
        const mimir::test::TempDir dir;
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(fd, generic, size) == 0);
        REQUIRE(::listen(fd, 1) == 0);
        REQUIRE(::getsockname(fd, generic, &size) == 0);
        ClientOptions options = fixture.trusting();
        options.connect_timeout = 50ms;
        const Endpoint deaf{.host = "127.0.0.1", .port = ntohs(address.sin_port), .tls = true};
        CHECK(contains(fixture.refusal(deaf, options), "no TLS handshake within 50 ms"));
        ::close(fd);
    }

    TEST_CASE("a client that goes away cancels its request, one that does not read is cut off") {
        Fixture fixture(false, {.write_timeout = 100ms});
        {
            BlockingClient client(fixture.endpoint(), fixture.trusting());
            const auto token = CancellationToken::create(std::chrono::steady_clock::now() + 200ms);
            CHECK(!client.send({.target = "/wait"}, token));
        }
        CHECK(eventually(5s, [&] { return fixture.server.canceled == 1; }));

        runtime::IoThreads io(1);
        Client client(io, fixture.endpoint(), fixture.trusting());
        const auto stream =
            runtime::wait(io, client.open({.target = "/endless"}, CancellationToken::create()));
        REQUIRE_OK(stream);
        CHECK(eventually(5s, [&] { return fixture.server.endless_ended.load(); }));
        CHECK(eventually(5s, [&] { return fixture.server.server->connections() == 0; }));
    }

    TEST_CASE("a server that stops closes idle connections and answers those under way") {
        Fixture fixture;
        BlockingClient idle(fixture.endpoint(), fixture.trusting());
        REQUIRE_OK(idle.send({.target = "/hello"}));
        std::thread waiting([&] {
            BlockingClient client(fixture.endpoint(), fixture.trusting());
            const auto answer = client.send({.target = "/wait"});
            REQUIRE_OK(answer);
            CHECK(answer->body == "released");
            CHECK(answer->headers.has_token("Connection", "close"));
        });
        REQUIRE(eventually(5s, [&] { return fixture.server.waiting == 1; }));
        std::thread stopping([&] { fixture.server.server->stop(10s); });
        CHECK(eventually(5s, [&] { return fixture.server.server->connections() == 1; }));
        fixture.server.release();
        waiting.join();
        stopping.join();
    }

    TEST_CASE("files that will not do are refused, by name") {
        const mimir::test::TempDir dir;
        TestCa ca(dir.path(), "ca");
        const PemFiles good = ca.issue({.name = "good"});
        const PemFiles other = ca.issue({.name = "other"});
        const PemFiles old =
            ca.issue({.name = "old", .begins_in_seconds = -7200, .ends_in_seconds = -3600});
        const PemFiles early = ca.issue({.name = "early", .begins_in_seconds = 1000});
        const auto garbage = dir.path() / "garbage.pem";
        std::ofstream(garbage) << "no PEM at all\n";
        struct Case {
            std::string_view name;
            TlsServerOptions options;
            std::string_view part;
        };
        const auto missing = dir.path() / "missing.pem";
        for (const Case& tried : {
                 Case{"no certificate", {missing, good.key, {}}, "No such file"},
                 Case{"no key", {good.certificate, missing, {}}, "missing.pem: No such file"},
                 Case{"no CA", {good.certificate, good.key, missing}, "CA file"},
                 Case{"a folder", {dir.path(), good.key, {}}, "is a directory"},
                 Case{"garbage", {garbage, good.key, {}}, "want PEM"},
                 Case{"garbage as key", {good.certificate, garbage, {}}, "want PEM"},
                 Case{"garbage as CA", {good.certificate, good.key, garbage}, "want PEM"},
                 Case{"another's key", {good.certificate, other.key, {}}, "is not that of"},
                 Case{"expired", {old.certificate, old.key, {}}, "expired on"},
                 Case{"too early", {early.certificate, early.key, {}}, "not valid before"},
             }) {
            CAPTURE(tried.name);
            const auto refused = TlsServerContext::load(tried.options);
            REQUIRE(!refused);
            CHECK(refused.error().kind == ErrorKind::invalid);
            CAPTURE(refused.error().message);
            CHECK(contains(refused.error().message, tried.part));
        }
        const auto halves = TlsClientContext::load({.certificate_file = good.certificate});
        REQUIRE(!halves);
        CHECK(halves.error().kind == ErrorKind::invalid);
    }
}

}  // namespace
}  // namespace mimir::http::test
