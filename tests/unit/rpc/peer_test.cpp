#include "rpc/peer.hpp"

#include <atomic>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "http/client.hpp"
#include "runtime/task_scope.hpp"
#include "test_ends.hpp"

namespace mimir::rpc::test {
namespace {

using http::asio::awaitable;
using mimir::test::eventually;

awaitable<Result<std::string>> echo(http::Request& request) { co_return std::move(request.body); }

awaitable<Result<std::string>> fail_with(Error error) {
    co_return tl::unexpected(std::move(error));
}

awaitable<Result<void>> refuse_with(Error error) { co_return tl::unexpected(std::move(error)); }

std::string describe_context(const RequestContext& context) {
    const auto deadline = context.cancellation.deadline();
    const auto left = deadline ? *deadline - std::chrono::steady_clock::now() : 0ns;
    return fmt::format(
        "{} {} {}",
        context.tenant ? context.tenant->str() : "nobody",
        context.trace_id,
        std::chrono::ceil<std::chrono::seconds>(left).count()
    );
}

awaitable<Result<std::string>> describe(http::Request& request) {
    co_return describe_context(request.context);
}

/// Answers once its request is canceled.
struct Waiting {
    std::atomic<int> waiting = 0;
    std::atomic<int> canceled = 0;

    CallHandler handler() {
        return [this](http::Request& request) { return wait(request); };
    }
    awaitable<Result<std::string>> wait(http::Request& request) {
        ++waiting;
        while (request.context.cancellation.check()) co_await runtime::sleep_for(5ms);
        const auto why = request.context.cancellation.check();
        ++canceled;
        co_return tl::unexpected(why.error());
    }
};

Result<int> post(TestServer& server, http::Headers headers, std::string_view path) {
    http::BlockingClient client(*http::Endpoint::parse(server.address()));
    MIMIR_TRY(
        const auto response,
        client.send(
            {.method = http::Method::post,
             .target = std::string(path),
             .headers = std::move(headers),
             .body = {}}
        )
    );
    return response.status;
}

TEST_SUITE("rpc/peer") {
    TEST_CASE("a call gives what the handler gave, and takes tenant, trace and deadline along") {
        TestServer server;
        server.add_call("test/echo", echo);
        server.add_call("test/describe", describe);
        TestCaller caller(options_for());
        const auto peer = caller.pool.at(server.address());
        for (const std::string& body :
             {std::string(), std::string("a"), std::string(5 << 20, 'b')}) {
            const auto echoed = caller.call(peer, "test/echo", body);
            REQUIRE_OK(echoed);
            CHECK(*echoed == body);
        }
        RequestContext context{
            .tenant = *model::TenantId::parse("tenant-1"),
            .cancellation = CancellationToken::create(std::chrono::steady_clock::now() + 60s),
            .trace_id = "0123456789abcdef0123456789abcdef"
        };
        CHECK(
            caller.call(peer, "test/describe", context) ==
            "tenant-1 0123456789abcdef0123456789abcdef 60"
        );
        CHECK(caller.call(peer, "test/describe") == "nobody  0");
        CHECK(server.server->connections() == 1);
        CHECK(caller.pool.at(server.address()) == peer);
        CHECK(
            caller.metric(fmt::format(
                R"(mimird_rpc_client_requests_total{{addr="{}",call="test/echo",outcome="success"}})",
                server.address()
            )) == 3
        );
    }

    TEST_CASE("an error crosses with kind, id and text") {
        TestServer server;
        const Error errors[] = {
            {ErrorKind::invalid, "label-invalid", "bad label \"\n\""},
            {ErrorKind::not_found, {}, "gone"},
            {ErrorKind::conflict, {}, "other revision"},
            {ErrorKind::limit, "max-series-per-user", "too many"},
            {ErrorKind::unavailable, {}, "starting"},
            {ErrorKind::timeout, {}, "late"},
            {ErrorKind::corrupt, {}, "bad checksum"},
            {ErrorKind::internal, {}, ""},
        };
        server.add_call("test/fail", [&errors](http::Request& request) {
            return fail_with(errors[std::stoul(request.body)]);
        });
        TestCaller caller(options_for());
        const auto peer = caller.pool.at(server.address());
        for (std::size_t i = 0; i < std::size(errors); ++i) {
            const auto failed = caller.call(peer, "test/fail", std::to_string(i));
            REQUIRE(!failed);
            CHECK(failed.error().kind == errors[i].kind);
            CHECK(failed.error().id == errors[i].id);
            CHECK(failed.error().message == errors[i].message);
        }
        // Whom the server could not reach is nothing to the caller, who did reach the server.
        const Error relayed{ErrorKind::unavailable, kPeerUnreachable, "no ingester"};
        server.add_call("test/relay", [&](http::Request&) { return fail_with(relayed); });
        server.add_frames("test/relay_frames", [&](http::Request&, FrameWriter&) {
            return refuse_with(relayed);
        });
        for (const Error& error :
             {caller.call(peer, "test/relay").error(),
              caller.open(peer, "test/relay_frames").error()}) {
            CHECK(error.id.empty());
            CHECK(error.message == relayed.message);
        }
        // These are answers: nobody takes the peer for dead.
        CHECK(peer->state());
    }

    TEST_CASE("a deadline ends the call at both ends") {
        Waiting waiting;
        TestServer server;
        server.add_call("test/wait", waiting.handler());
        TestCaller caller(options_for());
        const auto deadline = std::chrono::steady_clock::now() + 100ms;
        const RequestContext context{.cancellation = CancellationToken::create(deadline)};
        const auto late = caller.call(caller.pool.at(server.address()), "test/wait", context);
        REQUIRE(!late);
        CHECK(late.error().kind == ErrorKind::timeout);
        CHECK(std::chrono::steady_clock::now() < deadline + 2s);
        CHECK(eventually(5s, [&] { return waiting.canceled == 1; }));
    }

    TEST_CASE("a caller that cancels is told so, and the handler is canceled") {
        Waiting waiting;
        TestServer server;
        server.add_call("test/wait", waiting.handler());
        TestCaller caller(options_for());
        RequestContext context{.cancellation = CancellationToken::create()};
        std::thread canceling([&] {
            CHECK(eventually(5s, [&] { return waiting.waiting == 1; }));
            context.cancellation.cancel();
        });
        const auto canceled = caller.call(caller.pool.at(server.address()), "test/wait", context);
        canceling.join();
        REQUIRE(!canceled);
        CHECK(canceled.error().kind == ErrorKind::canceled);
        CHECK(eventually(5s, [&] { return waiting.canceled == 1; }));
    }

    TEST_CASE("cancelling the task that awaits a call cancels the call") {
        Waiting waiting;
        TestServer server;
        server.add_call("test/wait", waiting.handler());
        TestCaller caller(options_for());
        runtime::TaskScope tasks(caller.io);
        const auto call = [](std::shared_ptr<Peer> peer) -> http::asio::awaitable<void> {
            static_cast<void>(co_await peer->call({}, "test/wait", "", {}));
        };
        tasks.spawn(call(caller.pool.at(server.address())));
        CHECK(eventually(5s, [&] { return waiting.waiting == 1; }));
        tasks.stop();
        CHECK(eventually(5s, [&] { return waiting.canceled == 1; }));
    }

    TEST_CASE("a handler whose module stops is unavailable for a caller that waits on") {
        Waiting waiting;
        TestServer server;
        server.add_call("test/wait", waiting.handler());
        TestCaller caller(options_for());
        std::thread stopping([&] {
            CHECK(eventually(5s, [&] { return waiting.waiting == 1; }));
            server.routes.pop_back();
        });
        const auto stopped = caller.call(caller.pool.at(server.address()), "test/wait");
        stopping.join();
        REQUIRE(!stopped);
        CHECK(stopped.error().kind == ErrorKind::unavailable);
    }

    TEST_CASE("a call of another cluster is refused, and the peer's state says why") {
        TestServer server("production");
        server.add_call("test/echo", echo);
        TestCaller caller(options_for("staging"));
        const auto peer = caller.pool.at(server.address());
        const auto refused = caller.call(peer, "test/echo");
        REQUIRE(!refused);
        CHECK(refused.error().kind == ErrorKind::unavailable);
        CHECK(refused.error().message.find("\"staging\"") != std::string::npos);
        CHECK(refused.error().message.find("\"production\"") != std::string::npos);
        CHECK(!peer->state());
    }

    TEST_CASE("a caller without version or cluster is refused before the handler") {
        TestServer server;
        server.add_call("test/echo", echo);
        const std::string_view path = "/internal/v1/test/echo";
        CHECK(
            post(server, {{"X-Mimird-Protocol", "1"}, {"X-Mimird-Cluster", "test"}}, path) == 200
        );
        CHECK(post(server, {{"X-Mimird-Protocol", "1"}}, path) == 503);
        CHECK(post(server, {{"X-Mimird-Cluster", "test"}}, path) == 503);
        CHECK(
            post(
                server,
                {{"X-Mimird-Protocol", "1"}, {"X-Mimird-Cluster", "test"}, {"X-Scope-OrgID", "a/b"}
                },
                path
            ) == 400
        );
    }

    TEST_CASE("clients of a public listener find no internal call") {
        TestServer server;
        server.add_call("test/echo", echo);
        const auto listener = http::Server::start(
            {server.executors.io, server.executors.query},
            server.router,
            {.listen = {http::UnixAddress{.path = server.dir.path() / "public.sock"}}}
        );
        REQUIRE_OK(listener);
        TestCaller caller(options_for());
        const auto refused = caller.call(
            caller.pool.at("unix://" + (server.dir.path() / "public.sock").string()), "test/echo"
        );
        REQUIRE(!refused);
        CHECK(refused.error().kind == ErrorKind::unavailable);
        REQUIRE_OK(caller.call(caller.pool.at(server.address()), "test/echo"));
    }

    TEST_CASE("of two releases the newest common version is spoken") {
        TestServer server("test", {.min = 1, .max = 2});
        server.add_call(
            "test/version",
            [](http::Request& request) -> awaitable<Result<std::string>> {
                co_return std::string(request.headers.get("X-Mimird-Protocol").value_or(""));
            }
        );
        const auto spoken = [&](ProtocolRange range) {
            PeerOptions options = options_for();
            options.protocol = range;
            TestCaller caller(options);
            const auto peer = caller.pool.at(server.address());
            auto first = caller.call(peer, "test/version");
            const auto second = caller.call(peer, "test/version");
            CHECK(second.has_value() == first.has_value());
            CHECK(second.value_or("") == first.value_or(""));
            return first;
        };
        CHECK(spoken({1, 1}) == "1");
        CHECK(spoken({1, 2}) == "2");
        CHECK(spoken({2, 3}) == "2");
        const auto too_new = spoken({3, 4});
        REQUIRE(!too_new);
        CHECK(too_new.error().kind == ErrorKind::unavailable);
        CHECK(
            too_new.error().message == server.address() +
                                           " speaks versions 1-2 of the internal protocol, this "
                                           "process 3-4"
        );
    }

    TEST_CASE("a call that the other process does not serve is unavailable") {
        TestServer server;
        TestCaller caller(options_for());
        const auto peer = caller.pool.at(server.address());
        const auto absent = caller.call(peer, "test/absent");
        REQUIRE(!absent);
        CHECK(absent.error().kind == ErrorKind::unavailable);
        CHECK(absent.error().id.empty());  // the peer is there
        const auto no_frames = caller.open(peer, "test/absent");
        REQUIRE(!no_frames);
        CHECK(no_frames.error().kind == ErrorKind::unavailable);
        CHECK(peer->state());
    }

    TEST_CASE("the circuit opens when the peer can't be reached, and closes when it is back") {
        TestServer server;
        server.add_call("test/echo", echo);
        server.stop();
        PeerOptions options = options_for();
        options.breaker_open_min = 1s;  // nothing tries before the test has seen it open
        options.breaker_open_max = 1s;
        TestCaller caller(options);
        const auto peer = caller.pool.at(server.address());
        for (int i = 0; i < 3; ++i) {
            CHECK(peer->state());
            const auto failed = caller.call(peer, "test/echo");
            REQUIRE(!failed);
            CHECK(failed.error().kind == ErrorKind::unavailable);
            CHECK(failed.error().id == kPeerUnreachable);
        }
        CHECK(!peer->state());
        const std::string open =
            fmt::format(R"(mimird_rpc_client_circuit_open{{addr="{}"}})", server.address());
        CHECK(caller.metric(open) == 1);
        const auto refused = caller.call(peer, "test/echo");
        REQUIRE(!refused);
        CHECK(refused.error().message.find("can't be reached") != std::string::npos);
        CHECK(refused.error().id == kPeerUnreachable);

        server.start();
        // Found again without a call's being made.
        CHECK(eventually(5s, [&] { return peer->state().has_value(); }));
        CHECK(caller.metric(open) == 0);
        CHECK(caller.call(peer, "test/echo") == "body");
    }

    TEST_CASE("a restarted peer is called as if nothing had been") {
        TestServer server;
        server.add_call("test/echo", echo);
        TestCaller caller(options_for());
        const auto peer = caller.pool.at(server.address());
        for (int i = 0; i < 3; ++i) {
            REQUIRE_OK(caller.call(peer, "test/echo"));
            server.stop();
            server.start();
        }
    }

    TEST_CASE("calls to a peer that hangs end, though they have no deadline") {
        Waiting waiting;
        TestServer server;
        server.add_call("test/wait", waiting.handler());
        PeerOptions options = options_for();
        options.health_check_interval = 100ms;
        TestCaller caller(options);
        std::promise<void> resume;
        const auto peer = caller.pool.at(server.address());
        std::thread hanging([&] {
            CHECK(eventually(5s, [&] { return waiting.waiting == 1; }));
            // The server's event loop stands still, as if its process had been stopped.
            http::asio::post(server.executors.io.executor(), [&] { resume.get_future().wait(); });
        });
        const auto failed = caller.call(peer, "test/wait");
        hanging.join();
        REQUIRE(!failed);
        CHECK(failed.error().kind == ErrorKind::unavailable);
        CHECK(failed.error().message.find("did not answer") != std::string::npos);
        CHECK(failed.error().id == kPeerUnreachable);
        CHECK(!peer->state());
        resume.set_value();
        CHECK(eventually(5s, [&] { return peer->state().has_value(); }));
    }

    TEST_CASE("calls and bytes under way are bounded, and calls wait for a connection") {
        Waiting waiting;
        TestServer server;
        server.add_call("test/wait", waiting.handler());
        PeerOptions options = options_for();
        options.calls_limit = 3;
        options.connections_limit = 2;
        options.request_bytes_limit = 1000;
        TestCaller caller(options);
        const auto peer = caller.pool.at(server.address());
        std::atomic<int> ended = 0;
        RequestContext context{.cancellation = CancellationToken::create()};
        const auto begin = [&](std::size_t bytes) {
            peer->call(
                context,
                "test/wait",
                std::make_shared<std::string>(bytes, 'x'),
                {},
                [&](const Result<std::string>&) { ++ended; }
            );
        };
        begin(400);
        begin(400);
        CHECK(eventually(5s, [&] { return waiting.waiting == 2; }));
        const auto too_big = caller.call(peer, "test/wait", std::string(400, 'x'));
        REQUIRE(!too_big);
        CHECK(too_big.error().message.find("too many bytes") != std::string::npos);
        begin(100);
        const auto too_many = caller.call(peer, "test/wait", "x");
        REQUIRE(!too_many);
        CHECK(too_many.error().kind == ErrorKind::unavailable);
        CHECK(too_many.error().message.find("too many calls") != std::string::npos);
        CHECK(server.server->connections() == 2);
        CHECK(
            caller.metric(fmt::format(R"(mimird_rpc_client_queued{{addr="{}"}})", server.address())
            ) == 1
        );
        context.cancellation.cancel();
        CHECK(eventually(5s, [&] { return ended == 3; }));
        CHECK(waiting.waiting == 2);
    }

    TEST_CASE("a call that waits for a connection ends at its deadline") {
        Waiting waiting;
        TestServer server;
        server.add_call("test/wait", waiting.handler());
        PeerOptions options = options_for();
        options.connections_limit = 1;
        TestCaller caller(options);
        const auto peer = caller.pool.at(server.address());
        RequestContext first{.cancellation = CancellationToken::create()};
        std::atomic<bool> ended = false;
        peer->call(first, "test/wait", nullptr, {}, [&](const auto&) { ended = true; });
        const RequestContext second{
            .cancellation = CancellationToken::create(std::chrono::steady_clock::now() + 50ms)
        };
        const auto late = caller.call(peer, "test/wait", second);
        REQUIRE(!late);
        CHECK(late.error().kind == ErrorKind::timeout);
        first.cancellation.cancel();
        CHECK(eventually(5s, [&] { return ended.load(); }));
    }

    TEST_CASE("an answer over the limit is refused") {
        TestServer server;
        server.add_call("test/echo", echo);
        PeerOptions options = options_for();
        options.answer_bytes_limit = 1000;
        TestCaller caller(options);
        const auto peer = caller.pool.at(server.address());
        REQUIRE_OK(caller.call(peer, "test/echo", std::string(1000, 'x')));
        const auto too_big = caller.call(peer, "test/echo", std::string(1001, 'x'));
        REQUIRE(!too_big);
        CHECK(too_big.error().kind == ErrorKind::limit);
    }

    TEST_CASE("an address that is none gives a peer that fails") {
        TestCaller caller(options_for());
        const auto peer = caller.pool.at("nowhere at all");
        const auto failed = caller.call(peer, "test/echo");
        REQUIRE(!failed);
        CHECK(failed.error().kind == ErrorKind::unavailable);
        CHECK(!peer->state());
    }

    TEST_CASE("a peer that nobody calls is forgotten, with its metrics") {
        TestServer server;
        server.add_call("test/echo", echo);
        PeerOptions options = options_for();
        options.forget_after = 50ms;
        TestCaller caller(options);
        REQUIRE_OK(caller.call(caller.pool.at(server.address()), "test/echo"));
        CHECK(eventually(5s, [&] {
            return telemetry::expose(caller.registry.collect()).find("addr=") == std::string::npos;
        }));
        CHECK(eventually(5s, [&] { return server.server->connections() == 0; }));
        CHECK(caller.call(caller.pool.at(server.address()), "test/echo") == "body");
    }

    TEST_CASE("the end of the pool cancels what is under way") {
        Waiting waiting;
        TestServer server;
        server.add_call("test/wait", waiting.handler());
        std::optional<Result<std::string>> answer;
        std::shared_ptr<Peer> peer;
        {
            TestCaller caller(options_for());
            peer = caller.pool.at(server.address());
            peer->call({}, "test/wait", nullptr, {}, [&](auto result) { answer = result; });
            CHECK(eventually(5s, [&] { return waiting.waiting == 1; }));
        }
        REQUIRE(answer);
        REQUIRE(!*answer);
        CHECK(answer->error().kind == ErrorKind::unavailable);
        CHECK(eventually(5s, [&] { return waiting.canceled == 1; }));
    }
}

}  // namespace
}  // namespace mimir::rpc::test
