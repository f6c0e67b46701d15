#include "ring/page.hpp"

#include <nlohmann/json.hpp>

#include "kv/inmemory.hpp"
#include "runtime/run_on.hpp"
#include "support/test_support.hpp"

using namespace mimir;
using namespace std::chrono_literals;
using http::Request;
using http::Response;

namespace {

struct Fixture {
    Fixture() {
        put({.id = "a", .address = "10.0.0.1:9095", .zone = "x"});
        put({.id = "<b>\"&'", .address = "unix:///<script>", .state = ring::InstanceState::joining}
        );
        routes = ring::ring_routes(
            {.pattern = "/ingester/ring", .module = "ingester"}, ring, executors.background, clock
        );
    }
    void put(ring::Instance instance) {
        instance.heartbeat = clock.now();
        instance.tokens = {Token{static_cast<std::uint32_t>(instance.id.size()) << 31}};
        REQUIRE_OK(store.compare_and_swap("p/ingester/" + instance.id, 0, encode(instance)));
    }
    Response call(std::size_t route, Request request) {
        return runtime::wait(executors.io, routes.at(route).handler(request));
    }
    Response get(std::string accept = {}, std::string query = {}) {
        Request request;
        request.query = *http::Parameters::parse(query);
        if (!accept.empty()) request.headers.set("Accept", accept);
        return call(0, std::move(request));
    }
    Response post(std::string form) {
        Request request;
        request.method = http::Method::post;
        request.headers.set("Content-Type", "application/x-www-form-urlencoded");
        request.body = std::move(form);
        return call(1, std::move(request));
    }

    test::ManualClock clock{TimestampMs{1'700'000'000'000}};
    kv::InMemoryKvStore store{clock};
    telemetry::Registry registry;
    ring::Ring ring{"ingester", "p/", {.replication_factor = 2}, {store, {}, registry, clock}};
    runtime::Executors executors{
        {.ingest = {1, 1}, .query = {1, 1}, .background = {1, 4}, .admin = {1, 1}}
    };
    std::vector<http::Route> routes;
};

}  // namespace

TEST_SUITE("ring/page") {
    TEST_CASE("programs get JSON in Mimir's shape") {
        Fixture f;
        f.clock.advance(61s);
        const Response response = f.get("application/json");
        CHECK(response.status == 200);
        CHECK(response.headers.get("Content-Type") == "application/json");
        const auto json = nlohmann::json::parse(response.body);
        REQUIRE(json["shards"].size() == 2);
        const auto& a = json["shards"][1];
        CHECK(a["id"] == "a");
        CHECK(a["state"] == "UNHEALTHY");
        CHECK(a["address"] == "10.0.0.1:9095");
        CHECK(a["timestamp"] == "2023-11-14T22:13:20.000Z");
        CHECK(a["registered_timestamp"] == "");
        CHECK(a["read_only"] == false);
        CHECK(a["zone"] == "x");
        CHECK(a["tokens"] == nlohmann::json::array({0x80000000}));
        CHECK(a["versions"].is_object());
        CHECK(json["now"] == "2023-11-14T22:14:21.000Z");
        CHECK(json["replication_factor"] == 2);
        CHECK(json["problem"] == "");
    }
    TEST_CASE("people get a page, in which names of instances are only text") {
        Fixture f;
        const Response response = f.get();
        CHECK(response.headers.get("Content-Type") == "text/html; charset=utf-8");
        CHECK(response.body.find("&lt;b&gt;&quot;&amp;&#39;") != std::string::npos);
        CHECK(response.body.find("<script>") == std::string::npos);
        CHECK(response.body.find("JOINING") != std::string::npos);
        CHECK(response.body.find("2147483648") == std::string::npos);
        CHECK(f.get({}, "tokens=true").body.find("2147483648") != std::string::npos);
    }
    TEST_CASE("a problem is said first") {
        Fixture f;
        REQUIRE_OK(f.ring.forget("a"));
        REQUIRE_OK(f.ring.forget("<b>\"&'"));
        CHECK(f.get().body.find("the ring is empty") != std::string::npos);
        CHECK(
            nlohmann::json::parse(f.get("application/json").body)["problem"] == "the ring is empty"
        );
    }
    TEST_CASE("a member is forgotten by its form") {
        Fixture f;
        const Response response = f.post("forget=a");
        CHECK(response.status == 302);
        CHECK(response.headers.get("Location") == "#");
        CHECK(f.ring.view()->members().size() == 1);
        CHECK(f.post("forget=a").status == 404);
        CHECK(f.post("").status == 400);
        CHECK(f.post("forget=%").status == 400);
    }
}
