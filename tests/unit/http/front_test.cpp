#include "http/front.hpp"

#include <thread>

#include "runtime/run_on.hpp"
#include "runtime/task_scope.hpp"
#include "support/test_support.hpp"
#include "test_server.hpp"

namespace mimir::http::test {
namespace {

using mimir::test::eventually;

constexpr std::size_t kLimit = 1000;

/// Does what the request's header "Front" says.
class TestFront final : public Front {
  public:
    Verdict examine(Request& request, const PathOwner& owner) override {
        ++seen;
        asked = fmt::format("{} {} {}", owner.module, owner.label, owner.served);
        Verdict verdict{.passage = std::make_shared<Counted>(*this)};
        const std::string_view wish = request.headers.get("Front").value_or("");
        if (wish == "refuse") verdict.answer = Response::text(401, "who are you?");
        if (wish == "count") verdict.handler = count;
        if (wish == "wait") verdict.handler = [this](Request& r) { return wait(r); };
        if (wish == "trace") {
            request.headers.set("traceparent", std::string(55, 't'));
            request.headers.set("X-Changed", "yes");
        }
        return verdict;
    }

    std::atomic<int> seen = 0;
    std::atomic<int> finished = 0;
    std::atomic<int> last_status = 0;
    std::atomic<bool> waiting = false;
    std::string asked;  // of the last request that has been answered

  private:
    class Counted final : public Passage {
      public:
        explicit Counted(TestFront& front) : front_(front) {}
        void finished(int status) override {
            front_.last_status = status;
            ++front_.finished;
        }

      private:
        TestFront& front_;
    };

    static asio::awaitable<Response> count(Request& request) {
        std::size_t bytes = 0;
        for (;;) {
            const auto piece = co_await request.body_reader->read();
            if (!piece || piece->empty()) break;
            bytes += piece->size();
        }
        co_return Response::text(200, fmt::format("{} bytes", bytes));
    }

    asio::awaitable<Response> wait(Request& request) {
        waiting = true;
        while (request.context.cancellation.check()) co_await runtime::sleep_for(1ms);
        co_return Response::text(503, "canceled");
    }
};

asio::awaitable<Response> say_changed(Request& request) {
    co_return Response::text(200, std::string(request.headers.get("X-Changed").value_or("no")));
}

TEST_SUITE("http/front") {
    TEST_CASE("a front sees the head of each request of clients, and what it says is done") {
        TestServer server;
        server.router.reserve("/elsewhere", "other");
        server.routes.push_back(server.router.add(
            {.methods = {Method::get},
             .pattern = "/changed",
             .module = "test",
             .handler = say_changed}
        ));
        TestFront front;
        auto registration = server.router.set_front(front, "gateway", kLimit);
        BlockingClient client(server.endpoint());
        const auto send = [&](std::string target, std::string_view wish, std::string body = {}) {
            ClientRequest request{
                .method = body.empty() ? Method::get : Method::post,
                .target = std::move(target),
                .headers = {{"Front", wish}},
                .body = std::move(body)
            };
            const int before = front.finished;
            auto response = client.send(std::move(request));
            REQUIRE_OK(response);
            REQUIRE(eventually(5s, [&] { return front.finished == before + 1; }));
            CHECK(front.last_status == response->status);
            return *response;
        };

        SUBCASE("nothing: the router goes on") {
            CHECK(send("/hello", "").body == "hello world");
            CHECK(front.asked == "test hello true");
            CHECK(send("/nowhere", "").status == 404);
            CHECK(front.asked == "  false");
            CHECK(send("/elsewhere", "").status == 503);
            CHECK(front.asked == "other elsewhere false");
        }
        SUBCASE("a refusal") {
            CHECK(send("/hello", "refuse").body == "who are you?");
            CHECK(send("/echo", "refuse", "a body that nobody reads").status == 401);
            CHECK(send("/hello", "").body == "hello world");
        }
        SUBCASE("other headers") {
            CHECK(send("/changed", "").body == "no");
            CHECK(send("/changed", "trace").body == "yes");
        }
        SUBCASE("a handler of its own, whether or not there is a route") {
            CHECK(send("/echo", "count", "12345").body == "5 bytes");
            CHECK(send("/nowhere", "count", "12").body == "2 bytes");
            CHECK(send("/nowhere", "count").body == "0 bytes");
            CHECK(send("/echo", "count", std::string(kLimit + 1, 'x')).status == 413);
        }
    }

    TEST_CASE("processes pass a front by, and so do all once it is closed") {
        TestServer server;
        ServerOptions options{.listen = {TcpAddress{"127.0.0.1", 0}}, .serves_internal = true};
        auto& executors = server.executors;
        const auto internal =
            Server::start({executors.io, executors.query}, server.router, std::move(options));
        REQUIRE_OK(internal);
        TestFront front;
        auto registration = server.router.set_front(front, "gateway", kLimit);
        const ClientRequest refused{.target = "/hello", .headers = {{"Front", "refuse"}}};

        BlockingClient within({.host = "127.0.0.1", .port = (*internal)->port()});
        CHECK(within.send(refused)->status == 200);
        CHECK(front.seen == 0);
        BlockingClient outside(server.endpoint());
        CHECK(outside.send(refused)->status == 401);
        registration.close(0ms);
        CHECK(outside.send(refused)->status == 200);
        CHECK(front.seen == 1);
        auto again = server.router.set_front(front, "gateway", kLimit);
        CHECK(outside.send(refused)->status == 401);
    }

    TEST_CASE("closing a front waits for the requests that it serves, and cancels them at last") {
        TestServer server;
        TestFront front;
        auto registration = server.router.set_front(front, "gateway", kLimit);
        BlockingClient client(server.endpoint());
        std::thread caller([&] {
            const auto response = client.send({.target = "/hello", .headers = {{"Front", "wait"}}});
            CHECK(response->body == "canceled");
        });
        REQUIRE(eventually(5s, [&] { return front.waiting.load(); }));
        registration.close(20ms);
        CHECK(front.finished == 1);
        caller.join();
    }

    TEST_CASE("the router says whose a path is, and whether it is served here") {
        Router router;
        router.reserve("/api/v1/push", "distributor");
        CHECK(router.owner("/api/v1/push").module == "distributor");
        CHECK(router.owner("/api/v1/push").label == "api_v1_push");
        CHECK(!router.owner("/api/v1/push").served);
        CHECK(router.owner("/api/v1/other").module.empty());
        const auto route = router.add(
            {.methods = {Method::post},
             .pattern = "/api/v1/push",
             .module = "distributor",
             .handler = say_changed}
        );
        CHECK(router.owner("/api/v1/push").served);
        const auto internal = router.add(
            {.methods = {Method::post},
             .pattern = "/internal/call",
             .module = "ingester",
             .handler = say_changed,
             .internal = true}
        );
        CHECK(router.owner("/internal/call").module.empty());
    }
}

}  // namespace
}  // namespace mimir::http::test
