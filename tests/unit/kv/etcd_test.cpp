// EtcdKvStore against a gateway that gives the answers which a real etcd seldom gives.

#include "kv/etcd.hpp"

#include <atomic>
#include <deque>

#include "contract.hpp"
#include "http/server.hpp"
#include "kv/detail/base64.hpp"
#include "runtime/task_scope.hpp"

namespace mimir::kv::test {
namespace {

using http::Request;
using http::Response;

constexpr std::string_view kListed =
    R"({"header":{"revision":"5"},"kvs":[{"key":"YQ==","mod_revision":"4","value":"MQ=="}],"count":"1"})";
constexpr std::string_view kWritten = R"({"header":{"revision":"9"},"succeeded":true})";
constexpr std::string_view kCreated = R"({"result":{"header":{"revision":"5"},"created":true}})"
                                      "\n";

Response answer(int status, std::string_view body) {
    return Response::json(status, std::string(body));
}

/// Answers each path from a queue of its own; the last one for ever.
class FakeGateway {
  public:
    FakeGateway()
        : executors_(runtime::ExecutorOptions{.io_threads = 2}), router_(http::word_refusal) {
        route_ = router_.add({
            .methods = {http::Method::post},
            .pattern = "/v3/{path...}",
            .module = "test",
            .handler = [this](Request& request) { return serve(request); },
        });
        auto started = http::Server::start(
            {executors_.io, executors_.query},
            router_,
            {.listen = {http::TcpAddress{"127.0.0.1", 0}}}
        );
        REQUIRE_OK(started);
        server_ = *std::move(started);
    }
    ~FakeGateway() { over_ = true; }
    FakeGateway(const FakeGateway&) = delete;
    FakeGateway& operator=(const FakeGateway&) = delete;

    void say(const std::string& path, int status, std::string_view body) {
        add(path, answer(status, body));
    }
    /// Pieces of a watch's stream, which stays open then.
    void stream(std::vector<std::string> pieces) {
        Response response;
        response.endless = true;
        response.stream = [this, pieces = std::move(pieces)](http::BodyWriter& writer) {
            return write(pieces, writer);
        };
        add("watch", std::move(response));
    }
    /// Bodies of the requests for a path, with their token before them.
    [[nodiscard]] std::vector<std::string> requests(const std::string& path) const {
        const std::lock_guard lock(mutex_);
        const auto at = requests_.find(path);
        return at == requests_.end() ? std::vector<std::string>() : at->second;
    }
    [[nodiscard]] std::string url() const {
        return fmt::format("http://127.0.0.1:{}", server_->port());
    }
    [[nodiscard]] runtime::IoThreads& io() { return executors_.io; }
    [[nodiscard]] std::unique_ptr<EtcdKvStore> store(EtcdOptions options = {}) {
        options.endpoints.push_back(url());
        options.request_timeout = 2s;
        auto store = EtcdKvStore::create(io(), options, telemetry::Logger());
        REQUIRE_OK(store);
        return *std::move(store);
    }

  private:
    void add(const std::string& path, Response response) {
        const std::lock_guard lock(mutex_);
        answers_[path].push_back(std::move(response));
    }
    http::asio::awaitable<Response> serve(Request& request) {
        const std::lock_guard lock(mutex_);
        const std::string path = request.path.substr(std::string_view("/v3/").size());
        const std::string token(request.headers.get("Authorization").value_or(""));
        requests_[path].push_back(token.empty() ? request.body : token + " " + request.body);
        auto& answers = answers_[path];
        if (answers.empty()) co_return answer(404, "Not Found");
        Response response = answers.front();
        if (answers.size() > 1) answers.pop_front();
        co_return response;
    }
    http::asio::awaitable<Result<void>> write(
        std::vector<std::string> pieces, http::BodyWriter& writer
    ) {
        for (const std::string& piece : pieces) MIMIR_CO_TRY(co_await writer.write(piece));
        while (!over_) {
            co_await runtime::sleep_for(10ms);
            MIMIR_CO_TRY(co_await writer.write("\n"));
        }
        co_return Result<void>();
    }

    std::atomic<bool> over_ = false;
    mutable std::mutex mutex_;
    std::map<std::string, std::deque<Response>> answers_;
    std::map<std::string, std::vector<std::string>> requests_;
    runtime::Executors executors_;
    http::Router router_;
    http::RouteRegistration route_;
    std::unique_ptr<http::Server> server_;
};

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

TEST_SUITE("kv/etcd with odd answers") {
    TEST_CASE("a transaction that does not say that it succeeded is a conflict") {
        FakeGateway gateway;
        gateway.say("kv/range", 200, kListed);
        gateway.say(
            "kv/txn",
            200,
            R"({"header":{"revision":"9"},"responses":[{"response_range":{"kvs":[{"key":"YQ==","mod_revision":"4"}]}}]})"
        );
        const auto store = gateway.store();
        const auto written = store->compare_and_swap("a", 3, "2");
        REQUIRE(!written);
        CHECK(written.error().kind == ErrorKind::conflict);
        CHECK(has(written.error().message, "a has version 4, not 3"));
        const auto removed = store->remove("a", 3);
        REQUIRE(!removed);
        CHECK(removed.error().kind == ErrorKind::conflict);
    }

    TEST_CASE("a write of which nobody knows whether it was done is not sent twice") {
        FakeGateway gateway;
        gateway.say("kv/range", 200, kListed);
        gateway.say("kv/txn", 503, R"({"message":"etcdserver: request timed out","code":14})");
        const auto store = gateway.store();
        const auto written = store->compare_and_swap("a", 4, "2");
        REQUIRE(!written);
        CHECK(written.error().kind == ErrorKind::unavailable);
        CHECK(has(written.error().message, "request timed out"));
        CHECK(gateway.requests("kv/txn").size() == 1);
    }

    TEST_CASE("a read is asked again, and goes to an endpoint that answers") {
        FakeGateway gateway;
        gateway.say("kv/range", 503, R"({"message":"etcdserver: no leader","code":14})");
        gateway.say("kv/range", 200, kListed);
        const auto store = gateway.store({.endpoints = {"http://127.0.0.1:1"}});
        const auto present = store->get("a");
        REQUIRE_OK(present);
        CHECK((*present)->version == 4);
        CHECK(gateway.requests("kv/range").size() == 2);
        gateway.say("kv/txn", 200, kWritten);
        CHECK(store->compare_and_swap("a", 4, "2").value() == 9);
    }

    TEST_CASE("nonsense is no answer") {
        FakeGateway gateway;
        gateway.say("kv/range", 200, "<html>captive portal</html>");
        const auto store = gateway.store();
        const auto present = store->get("a");
        REQUIRE(!present);
        CHECK(present.error().kind == ErrorKind::unavailable);
        CHECK(has(present.error().message, "captive portal"));
    }

    TEST_CASE("a token that etcd knows no more is renewed, once") {
        FakeGateway gateway;
        gateway.say("auth/authenticate", 200, R"({"token":"t1"})");
        gateway.say("auth/authenticate", 200, R"({"token":"t2"})");
        gateway.say("kv/range", 200, kListed);
        gateway.say("kv/txn", 401, R"({"message":"etcdserver: invalid auth token","code":16})");
        gateway.say("kv/txn", 200, kWritten);
        const auto store = gateway.store({.username = "u", .password = "p"});
        REQUIRE_OK(store->compare_and_swap("a", 4, "2"));
        const auto writes = gateway.requests("kv/txn");
        REQUIRE(writes.size() == 2);
        CHECK(writes[0].starts_with("t1 {"));
        CHECK(writes[1].starts_with("t2 {"));
        CHECK(gateway.requests("auth/authenticate").front() == R"({"name":"u","password":"p"})");

        FakeGateway strict;
        strict.say("auth/authenticate", 200, R"({"token":"t1"})");
        strict.say("kv/range", 401, R"({"message":"etcdserver: invalid auth token","code":16})");
        CHECK(!strict.store({.username = "u", .password = "p"})->get("a"));
        CHECK(strict.requests("kv/range").size() == 2);
    }

    TEST_CASE("a lease that runs out before its write is granted anew") {
        FakeGateway gateway;
        gateway.say("kv/range", 200, kListed);
        gateway.say("lease/grant", 200, R"({"ID":"71","TTL":"60"})");
        gateway.say("lease/grant", 200, R"({"ID":"72","TTL":"60"})");
        gateway.say("lease/grant", 200, R"({"ID":"73","TTL":"60"})");
        gateway.say(
            "kv/txn", 404, R"({"message":"etcdserver: requested lease not found","code":5})"
        );
        gateway.say("kv/txn", 200, kWritten);
        const auto store = gateway.store();
        REQUIRE_OK(store->compare_and_swap("a", 4, "2", {.time_to_live = 59'001ms}));
        CHECK(gateway.requests("lease/grant").front() == R"({"TTL":"60"})");
        CHECK(has(gateway.requests("kv/txn").back(), R"("lease":"72")"));

        gateway.say("lease/keepalive", 200, R"({"result":{"ID":"72","TTL":"60"}})");
        gateway.say("lease/keepalive", 200, R"({"result":{"ID":"72"}})");
        REQUIRE_OK(store->compare_and_swap("a", 4, "3", {.time_to_live = 60s}));
        CHECK(has(gateway.requests("kv/txn").back(), R"("lease":"72")"));
        REQUIRE_OK(store->compare_and_swap("a", 4, "4", {.time_to_live = 60s}));
        CHECK(has(gateway.requests("kv/txn").back(), R"("lease":"73")"));
        REQUIRE_OK(store->compare_and_swap("a", 4, "5"));
        CHECK(!has(gateway.requests("kv/txn").back(), "lease"));
    }

    TEST_CASE(
        "lines of a watch are put together, however they come, and compaction makes it read anew"
    ) {
        FakeGateway gateway;
        gateway.say("kv/range", 200, kListed);
        gateway.say(
            "kv/range",
            200,
            R"({"header":{"revision":"20"},"kvs":[{"key":"Yw==","mod_revision":"19","value":"Mw=="}],"count":"1"})"
        );
        const std::string event =
            R"({"result":{"events":[{"kv":{"key":"Yg==","mod_revision":"7","value":"Mg=="}}]}})"
            "\n";
        gateway.stream({
            std::string(kCreated) + event.substr(0, 30),
            event.substr(30, 25),
            event.substr(55),
            R"({"result":{"canceled":true,"compact_revision":"12"}})"
            "\n",
        });
        gateway.stream({std::string(kCreated)});
        const auto store = gateway.store();
        RecordingWatcher watcher;
        {
            const auto watch = store->watch("", watcher);
            REQUIRE(eventually(10s, [&] { return watcher.complete_updates() == 2; }));
            CHECK(watcher.values() == std::map<std::string, std::string>{{"c", "3"}});
            REQUIRE(eventually(10s, [&] { return gateway.requests("watch").size() == 2; }));
        }
        CHECK(has(gateway.requests("watch")[0], R"("start_revision":"6")"));
        CHECK(has(gateway.requests("watch")[1], R"("start_revision":"21")"));
        CHECK(watcher.updates() == 3);
        CHECK(watcher.is_reachable() == true);
        CHECK(watcher.complaints() == std::vector<std::string>{});
    }

    TEST_CASE("a watch that is refused is no reachable store, until it is granted") {
        FakeGateway gateway;
        gateway.say("kv/range", 200, kListed);
        gateway.stream({
            std::string(kCreated),
            R"({"result":{"canceled":true,"cancel_reason":"etcdserver: permission denied"}})"
            "\n",
        });
        gateway.say("watch", 500, R"({"error":"shut","code":2,"message":"shut"})");
        gateway.stream({"garbage\n"});
        gateway.stream({std::string(kCreated)});
        const auto store = gateway.store();
        RecordingWatcher watcher;
        const auto watch = store->watch("", watcher);
        CHECK(eventually(10s, [&] { return watcher.is_reachable() == false; }));
        CHECK(eventually(10s, [&] { return gateway.requests("watch").size() == 4; }));
        CHECK(eventually(10s, [&] { return watcher.is_reachable() == true; }));
        CHECK(watcher.complete_updates() == 1);
        CHECK(watcher.value("a") == "1");
    }
}

}  // namespace
}  // namespace mimir::kv::test
