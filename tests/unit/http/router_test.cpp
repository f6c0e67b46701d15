#include "http/router.hpp"

#include <thread>

#include "http/detail/route_state.hpp"
#include "support/test_support.hpp"

namespace mimir::http {
namespace {

asio::awaitable<Response> nothing(Request&) { co_return Response(); }

Route route(MethodSet methods, std::string pattern, std::string module = "test") {
    return {
        .methods = methods,
        .pattern = std::move(pattern),
        .module = std::move(module),
        .handler = nothing
    };
}

std::string pattern_of(const Router::Match& match) {
    return match.route ? match.route->route.pattern : "none";
}

TEST_SUITE("http/router") {
    TEST_CASE("the most specific pattern wins, whatever the order of registration") {
        Router router;
        const auto a = router.add(route({Method::get}, "/{path...}"));
        const auto b = router.add(route({Method::get}, "/api/{name}/values"));
        const auto c = router.add(route({Method::get}, "/api/label/values"));
        const auto d = router.add(route({Method::get}, "/api/{name}/{rest...}"));
        const auto e = router.add(route({Method::get}, "/"));
        struct Case {
            std::string_view path;
            std::string_view pattern;
        };
        for (const Case& tried : {
                 Case{"/", "/"},
                 Case{"/api/label/values", "/api/label/values"},
                 Case{"/api/la%62el/values", "/api/label/values"},
                 Case{"/api/job/values", "/api/{name}/values"},
                 Case{"/api/job/values/", "/api/{name}/{rest...}"},
                 Case{"/api/job/other/things", "/api/{name}/{rest...}"},
                 Case{"/api", "/{path...}"},
                 Case{"/api//values", "/{path...}"},
             }) {
            CAPTURE(tried.path);
            CHECK(pattern_of(router.match(Method::get, tried.path)) == tried.pattern);
        }
    }

    TEST_CASE("a route for processes does not exist for clients") {
        Router router;
        Route call = route({Method::post}, "/internal/call");
        call.internal = true;
        auto registration = router.add(std::move(call));
        CHECK(router.match(Method::post, "/internal/call", Audience::processes).route);
        CHECK(router.match(Method::post, "/internal/call").refusal.status == 404);
        CHECK(router.match(Method::get, "/internal/call").refusal.status == 404);
        CHECK(
            router.match(Method::get, "/internal/call", Audience::processes).refusal.status == 405
        );
        SUBCASE("a wider pattern takes its path") {
            const auto wider = router.add(route({Method::post}, "/{path...}"));
            CHECK(pattern_of(router.match(Method::post, "/internal/call")) == "/{path...}");
        }
        SUBCASE("another method of its path may be for clients") {
            const auto other = router.add(route({Method::get}, "/internal/call"));
            CHECK(router.match(Method::get, "/internal/call").route);
            const auto refusal = router.match(Method::post, "/internal/call").refusal;
            CHECK(refusal.status == 405);
            CHECK(refusal.allow.to_string() == "GET, HEAD");
        }
    }

    TEST_CASE("parameters are decoded after the path is split") {
        Router router;
        const auto a = router.add(route({Method::get}, "/rules/{namespace}/{group}"));
        const auto match = router.match(Method::get, "/rules/a%2Fb/c+d%20e");
        REQUIRE(match.route);
        CHECK(match.path_parameters.get("namespace") == "a/b");
        CHECK(match.path_parameters.get("group") == "c+d e");
        CHECK(!router.match(Method::get, "/rules/a/b/c").route);
        CHECK(!router.match(Method::get, "/rules/a/%zz").route);
    }

    TEST_CASE("an unknown path is a 404, a wrong method a 405 that says which are right") {
        Router router;
        const auto a = router.add(route({Method::get, Method::post}, "/query"));
        const auto b = router.add(route({Method::delete_}, "/query"));
        CHECK(router.match(Method::get, "/nowhere").refusal.status == 404);
        const auto refused = router.match(Method::put, "/query").refusal;
        CHECK(refused.status == 405);
        const Response answer = router.refuse(refused, {});
        CHECK(answer.status == 405);
        CHECK(answer.headers.get("Allow") == "GET, HEAD, POST, DELETE");
        CHECK(answer.body == "method not allowed\n");
        CHECK(router.match(Method::head, "/query").route);
    }

    TEST_CASE("a route ends with its registration, and a reserved one then names its module") {
        Router router;
        router.reserve("/api/v1/push", "distributor");
        {
            const auto registration =
                router.add(route({Method::post}, "/api/v1/push", "distributor"));
            CHECK(router.match(Method::post, "/api/v1/push").route);
            CHECK(router.match(Method::get, "/api/v1/push").refusal.status == 405);
            CHECK(router.list().size() == 1);
        }
        CHECK(router.list().empty());
        const auto refused = router.match(Method::post, "/api/v1/push").refusal;
        CHECK(refused.status == 503);
        CHECK(refused.module == "distributor");
        const Response answer = router.refuse(refused, {});
        CHECK(answer.status == 503);
        CHECK(answer.body == "module distributor is not running\n");
        CHECK(answer.headers.get("Retry-After") == "5");
    }

    TEST_CASE("a client that accepts JSON is refused in JSON") {
        Router router;
        router.reserve("/api/v1/push", "distributor");
        struct Case {
            std::string_view path;
            std::string_view body;
        };
        for (const Case& tried : {
                 Case{
                     "/api/v1/push",
                     R"({"status":"error","errorType":"unavailable",)"
                     R"("error":"module distributor is not running"})"
                 },
                 Case{
                     "/no\"where",
                     R"({"status":"error","errorType":"not_found","error":"404 page not found"})"
                 },
             }) {
            CAPTURE(tried.path);
            Request request;
            request.headers.add("Accept", "text/html, application/json;q=0.9");
            const auto refusal = router.match(Method::get, tried.path).refusal;
            const Response answer = router.refuse(refusal, request);
            CHECK(answer.status == refusal.status);
            CHECK(answer.headers.get("Content-Type") == "application/json");
            CHECK(answer.body == tried.body);
        }
    }

    TEST_CASE("a router can have words of its own; Allow and Retry-After stay") {
        Router router([](const Refusal& refusal, const Request& request) {
            return Response::text(
                refusal.status,
                fmt::format("{}:{}:{}", refusal.module, request.path, refusal.status)
            );
        });
        const auto a = router.add(route({Method::get}, "/a", "query-frontend"));
        router.reserve("/b", "distributor");
        Request request;
        request.path = "/x";
        const auto refuse = [&](std::string_view path) {
            return router.refuse(router.match(Method::post, path).refusal, request);
        };
        CHECK(refuse("/a").body == "query-frontend:/x:405");
        CHECK(refuse("/a").headers.get("Allow") == "GET, HEAD");
        CHECK(refuse("/b").body == "distributor:/x:503");
        CHECK(refuse("/b").headers.has("Retry-After"));
        CHECK(refuse("/c").body == ":/x:404");
    }

    TEST_CASE("a route that comes back is served again") {
        Router router;
        auto registration = router.add(route({Method::get}, "/a"));
        registration = RouteRegistration();
        CHECK(router.match(Method::get, "/a").refusal.status == 404);
        registration = router.add(route({Method::get}, "/a"));
        CHECK(router.match(Method::get, "/a").route);
    }

    // It once walked a table that nobody held: a module that stopped meanwhile took it away.
    TEST_CASE("routes can be listed while others come and go") {
        Router router;
        const auto stays = router.add(route({Method::get}, "/stays"));
        std::jthread changing([&](const std::stop_token& stop) {
            while (!stop.stop_requested())
                static_cast<void>(router.add(route({Method::get}, "/a")));
        });
        for (int i = 0; i < 20'000; ++i) {
            const auto listed = router.list();
            REQUIRE(listed.size() >= 1);
            CHECK(listed.back().pattern == "/stays");
        }
    }

    TEST_CASE("routes are labelled as Mimir does") {
        const auto label = [](std::string_view pattern) {
            return detail::Pattern(pattern).label();
        };
        CHECK(label("/") == "root");
        CHECK(label("/api/v1/push") == "api_v1_push");
        CHECK(
            label("/prometheus/api/v1/label/{name}/values") == "prometheus_api_v1_label_name_values"
        );
    }
}

}  // namespace
}  // namespace mimir::http
