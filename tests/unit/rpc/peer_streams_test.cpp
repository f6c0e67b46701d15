#include <atomic>
#include <thread>

#include "http/client.hpp"
#include "runtime/task_scope.hpp"
#include "test_ends.hpp"

namespace mimir::rpc::test {
namespace {

using http::asio::awaitable;
using mimir::test::eventually;

constexpr std::size_t kFrameBytes = 100'000;

std::string frame(std::size_t number) {
    std::string bytes(kFrameBytes, static_cast<char>('a' + number % 26));
    return bytes.replace(0, 8, fmt::format("{:08}", number));
}

/// Writes so many frames, and then how it ends.
struct Source {
    std::size_t frames = 0;
    Result<void> end;
    std::atomic<std::size_t> written = 0;
    std::atomic<bool> canceled = false;

    FrameHandler handler() {
        return [this](http::Request&, FrameWriter& writer) { return write(writer); };
    }
    awaitable<Result<void>> write(FrameWriter& writer) {
        for (std::size_t i = 0; i < frames; ++i) {
            const std::string bytes = frame(i);
            if (auto sent = co_await writer.write(bytes); !sent) {
                canceled = true;
                co_return sent;
            }
            ++written;
        }
        co_return end;
    }
};

Result<void> write_pairs(FrameWriter& writer) {
    for (std::size_t i = 0; i < 20; ++i) {
        writer.add(frame(2 * i));
        MIMIR_TRY(writer.wait_write(frame(2 * i + 1)));
    }
    writer.add(frame(40));
    return {};
}

Result<std::size_t> read_all(FrameStream& stream) {
    for (std::size_t count = 0;; ++count) {
        MIMIR_TRY(const std::string_view bytes, stream.wait_next());
        if (bytes.empty()) return count;
        if (bytes != frame(count)) return fail(ErrorKind::corrupt, "frame {} is another", count);
    }
}

awaitable<Result<std::size_t>> read_all_awaited(FrameStream& stream) {
    for (std::size_t count = 0;; ++count) {
        MIMIR_CO_TRY(const std::string_view bytes, co_await stream.next());
        if (bytes.empty()) co_return count;
        if (bytes != frame(count)) co_return fail(ErrorKind::corrupt, "frame {}", count);
    }
}

TEST_SUITE("rpc/streams") {
    TEST_CASE("frames come as they were written, for threads and for coroutines") {
        Source source{.frames = 100};
        TestServer server;
        server.add_frames("test/frames", source.handler());
        TestCaller caller(options_for());
        const auto peer = caller.pool.at(server.address());
        for (int i = 0; i < 2; ++i) {
            auto stream = caller.open(peer, "test/frames");
            REQUIRE_OK(stream);
            CHECK(read_all(**stream) == 100U);
            CHECK((*stream)->wait_next() == "");  // the end stays
        }
        auto stream = caller.open(peer, "test/frames");
        REQUIRE_OK(stream);
        CHECK(runtime::wait(caller.io, read_all_awaited(**stream)) == 100U);
        CHECK(server.server->connections() == 1);
    }

    TEST_CASE("a stream of nothing ends, and one that fails at once does not open") {
        TestServer server;
        Source nothing;
        Source failing{.end = fail_with_id(ErrorKind::limit, "max-series-per-query", "too many")};
        server.add_frames("test/nothing", nothing.handler());
        server.add_frames("test/failing", failing.handler());
        TestCaller caller(options_for());
        const auto peer = caller.pool.at(server.address());
        auto stream = caller.open(peer, "test/nothing");
        REQUIRE_OK(stream);
        CHECK(read_all(**stream) == 0U);
        const auto failed = caller.open(peer, "test/failing");
        REQUIRE(!failed);
        CHECK(failed.error().kind == ErrorKind::limit);
        CHECK(failed.error().id == "max-series-per-query");
        CHECK(failed.error().message == "too many");
    }

    TEST_CASE("an error behind frames comes behind the frames") {
        Source source{.frames = 30, .end = fail(ErrorKind::corrupt, "bad chunk")};
        TestServer server;
        server.add_frames("test/frames", source.handler());
        TestCaller caller(options_for());
        auto stream = caller.open(caller.pool.at(server.address()), "test/frames");
        REQUIRE_OK(stream);
        for (int i = 0; i < 30; ++i) REQUIRE_OK((*stream)->wait_next());
        const auto end = (*stream)->wait_next();
        REQUIRE(!end);
        CHECK(end.error().kind == ErrorKind::corrupt);
        CHECK(end.error().message == "bad chunk");
    }

    TEST_CASE("frames written by a pool's thread arrive, small ones together") {
        TestServer server;
        server.add_frames("test/pool", [&](http::Request&, FrameWriter& writer) {
            auto job = [&writer] { return write_pairs(writer); };
            return runtime::run_on(server.executors.query, job);
        });
        TestCaller caller(options_for());
        auto stream = caller.open(caller.pool.at(server.address()), "test/pool");
        REQUIRE_OK(stream);
        CHECK(read_all(**stream) == 41U);
    }

    TEST_CASE("a slow reader slows the writer") {
        Source source{.frames = 1000};  // 100 MB
        TestServer server;
        server.add_frames("test/frames", source.handler());
        TestCaller caller(options_for());
        auto stream = caller.open(caller.pool.at(server.address()), "test/frames");
        REQUIRE_OK(stream);
        // Until nothing moves any more.
        std::size_t seen = 0;
        CHECK(eventually(10s, [&] {
            const std::size_t before = std::exchange(seen, source.written.load());
            std::this_thread::sleep_for(50ms);
            return seen > 0 && seen == before;
        }));
        // 1 MB ahead, and what the sockets hold.
        CHECK(source.written < 50);
        CHECK(read_all(**stream) == 1000U);
    }

    TEST_CASE("a reader that goes away cancels the writer") {
        Source source{.frames = 100'000};
        TestServer server;
        server.add_frames("test/frames", source.handler());
        TestCaller caller(options_for());
        const auto peer = caller.pool.at(server.address());
        auto stream = caller.open(peer, "test/frames");
        REQUIRE_OK(stream);
        REQUIRE_OK((*stream)->wait_next());
        stream->reset();
        CHECK(eventually(5s, [&] { return source.canceled.load(); }));
        CHECK(eventually(5s, [&] {
            return caller.metric(fmt::format(
                       R"(mimird_rpc_client_requests_total{{addr="{}",call="test/frames",outcome="canceled"}})",
                       server.address()
                   )) == 1;
        }));
    }

    TEST_CASE("a canceled or late reader gets that error, and no end") {
        Source source{.frames = 100'000};
        TestServer server;
        server.add_frames("test/frames", source.handler());
        TestCaller caller(options_for());
        const auto peer = caller.pool.at(server.address());
        RequestContext context{.cancellation = CancellationToken::create()};
        auto stream = caller.open(peer, "test/frames", context);
        REQUIRE_OK(stream);
        context.cancellation.cancel();
        auto read = read_all(**stream);
        REQUIRE(!read);
        CHECK(read.error().kind == ErrorKind::canceled);

        const auto deadline = std::chrono::steady_clock::now() + 100ms;
        stream =
            caller.open(peer, "test/frames", {.cancellation = CancellationToken::create(deadline)});
        REQUIRE_OK(stream);
        read = read_all(**stream);
        REQUIRE(!read);
        CHECK(read.error().kind == ErrorKind::timeout);
    }

    TEST_CASE("a server that dies in the middle is an error, never a short answer") {
        Source source{.frames = 100'000};
        TestServer server;
        server.add_frames("test/frames", source.handler());
        TestCaller caller(options_for());
        auto stream = caller.open(caller.pool.at(server.address()), "test/frames");
        REQUIRE_OK(stream);
        REQUIRE_OK((*stream)->wait_next());
        server.stop();
        const auto read = [&]() -> Result<void> {
            for (;;) {
                MIMIR_TRY(const auto bytes, (*stream)->wait_next());
                if (bytes.empty()) return {};
            }
        }();
        REQUIRE(!read);
        CHECK(read.error().kind == ErrorKind::unavailable);
        CHECK(read.error().id == kPeerUnreachable);
    }

    TEST_CASE("an answer that ends without its last frame is an error") {
        TestServer server;
        // As a proxy would make it that takes a broken stream for a whole one.
        server.routes.push_back(server.router.add(
            {.methods = {http::Method::post},
             .pattern = "/internal/v1/test/cut",
             .module = "test",
             .handler = [](http::Request&) -> awaitable<http::Response> {
                 http::Response response{.body = std::string("\x01\0\0\0\x01x", 6)};
                 response.headers.add("Content-Type", "application/vnd.mimird.frames");
                 co_return response;
             }}
        ));
        TestCaller caller(options_for());
        auto stream = caller.open(caller.pool.at(server.address()), "test/cut");
        REQUIRE_OK(stream);
        CHECK((*stream)->wait_next() == "x");
        const auto end = (*stream)->wait_next();
        REQUIRE(!end);
        CHECK(end.error().kind == ErrorKind::unavailable);
        CHECK(end.error().id == kPeerUnreachable);
    }

    TEST_CASE("a stream outlives the pool, which ends it") {
        Source source{.frames = 100'000};
        TestServer server;
        server.add_frames("test/frames", source.handler());
        telemetry::Registry registry;
        runtime::IoThreads io(1);
        std::unique_ptr<FrameStream> stream;
        {
            PeerPool pool(options_for(), {.io = io, .log = {}, .registry = registry});
            auto opened = wait_for<std::unique_ptr<FrameStream>>([&](auto done) {
                pool.at(server.address())->open({}, "test/frames", nullptr, {}, done);
            });
            REQUIRE_OK(opened);
            stream = *std::move(opened);
        }
        Result<std::string_view> read;
        while (read) read = stream->wait_next();
        CHECK(read.error().kind == ErrorKind::unavailable);
        CHECK(eventually(5s, [&] { return source.canceled.load(); }));
    }
}

}  // namespace
}  // namespace mimir::rpc::test
