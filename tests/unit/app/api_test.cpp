#include "fs/file_system.hpp"
#include "test_node.hpp"

namespace mimir::app {

TEST_SUITE("app/api") {
    TEST_CASE("a process answers what every process answers") {
        TestNode node({"-auth.multitenancy-enabled=false"});
        REQUIRE_OK(node.start({"distributor"}));
        struct Case {
            std::string target;
            int status;
            std::string_view content_type;
            std::string_view part;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {"/ready", 200, "text/plain; charset=utf-8", "ready\n"},
                 {"/metrics", 200, "text/plain; version=0.0.4; charset=utf-8", "\nprocess_open_fds "
                 },
                 {"/metrics",
                  200,
                  "text/plain; version=0.0.4; charset=utf-8",
                  "mimird_module_running{module=\"distributor\"} 1\n"},
                 {"/services", 200, "text/html; charset=utf-8", "<td>distributor</td>"},
                 {"/config", 200, "text/plain; charset=utf-8", "http_server_read_timeout: 30s\n"},
                 {"/config?mode=diff",
                  200,
                  "text/plain; charset=utf-8",
                  "multitenancy_enabled: false\n"},
                 {"/config?mode=defaults",
                  200,
                  "text/plain; charset=utf-8",
                  "multitenancy_enabled: true\n"},
                 {"/config?mode=other", 400, "text/plain; charset=utf-8", "unknown mode \"other\""},
                 {"/api/v1/status/buildinfo", 200, "application/json", "\"mimird\""},
                 {"/prometheus/api/v1/status/buildinfo", 200, "application/json", "\"mimird\""},
                 {"/", 200, "text/html; charset=utf-8", "<title>"},
                 {"/nowhere", 404, "text/plain; charset=utf-8", ""},
                 {"/runtime_config", 404, "text/plain; charset=utf-8", ""},
             }) {
            CAPTURE(c.target);
            const auto response = node.get(c.target);
            CHECK(response.status == c.status);
            CHECK(response.headers.get("Content-Type").value_or("") == c.content_type);
            CHECK(response.body.find(c.part) != std::string::npos);
        }
        const auto json = node.get("/services", {{"Accept", "application/json"}});
        CHECK(json.headers.get("Content-Type") == "application/json");
    }

    TEST_CASE(
        "a stopped module's routes say whose they are, its metrics are gone, and it starts again"
    ) {
        TestNode node({});
        for (int life = 0; life < 3; ++life) {
            REQUIRE_OK(node.start({"distributor"}));
            CHECK(
                node.send({.method = http::Method::post, .target = "/api/v1/push"}).status == 401
            );
            CHECK(node.get("/metrics").body.find("cortex_distributor_") != std::string::npos);

            REQUIRE_OK(node.start({"server"}));
            REQUIRE_OK(node.start({"api"}));
            REQUIRE_OK(node.stop({"distributor"}));
            const auto push = node.send({.method = http::Method::post, .target = "/api/v1/push"});
            CHECK(push.status == 503);
            CHECK(push.body.find("distributor") != std::string::npos);
            CHECK(push.headers.has("Retry-After"));
            CHECK(node.get("/metrics").body.find("cortex_distributor_") == std::string::npos);
            CHECK(node.get("/ready").status == 200);
        }
    }

    TEST_CASE("readiness is withdrawn as soon as the process is to stop") {
        TestNode node({});
        REQUIRE_OK(node.start({"api"}));
        node.wiring().stopping = true;
        const auto ready = node.get("/ready");
        CHECK(ready.status == 503);
        CHECK(ready.body == "Application is stopping\n");
    }

    TEST_CASE("a taken port fails the start, and says which") {
        TestNode first({});
        REQUIRE_OK(first.start({"server"}));
        const std::string port =
            fmt::format("-server.http-listen-port={}", first.wiring().http_port.load());
        TestNode second({port});
        const auto started = second.start({"api"});
        REQUIRE_FALSE(started.has_value());
        CHECK(started.error().message.find("starting server") != std::string::npos);
        CHECK(
            started.error().message.find(std::to_string(first.wiring().http_port)) !=
            std::string::npos
        );
    }

    TEST_CASE("the runtime configuration is followed, and a bad file keeps the last good one") {
        const test::TempDir folder;
        const auto path = folder.path() / "runtime.yaml";
        const auto write = [&](std::string_view text) {
            REQUIRE_OK(fs::write_file_atomically(fs::real_file_system(), path, text));
        };
        const auto rate = [](TestNode& node) {
            return node.wiring().limits.of("a")->ingestion_rate;
        };
        const auto is_reloaded = [](TestNode& node) {
            return node.get("/metrics")
                       .body.find("cortex_runtime_config_last_reload_successful 1\n") !=
                   std::string::npos;
        };
        write("overrides: {a: {ingestion_rate: 5}}\n");
        const std::string flag = "-runtime-config.file=" + path.string();
        TestNode node({flag, "-runtime-config.reload-period=100ms"});
        REQUIRE_OK(node.start({"runtime-config"}));
        CHECK(rate(node) == 5);
        CHECK(
            node.get("/runtime_config?mode=diff").body ==
            "overrides:\n  a:\n    ingestion_rate: 5\n"
        );

        write("overrides: {a: {ingestion_rate: 7}}\n");
        CHECK(test::eventually(std::chrono::seconds(5), [&] { return rate(node) == 7; }));
        write("overrides: {a: {ingestion_rat: 9}}\n");
        CHECK(test::eventually(std::chrono::seconds(5), [&] { return !is_reloaded(node); }));
        CHECK(rate(node) == 7);
        write("overrides: {a: {ingestion_rate: 9}}\n");
        CHECK(test::eventually(std::chrono::seconds(5), [&] { return rate(node) == 9; }));
        CHECK(is_reloaded(node));

        REQUIRE_OK(node.stop({"runtime-config"}));
        CHECK(rate(node) == 10'000);
    }

    TEST_CASE("a runtime configuration that is wrong at the start fails it") {
        const test::TempDir folder;
        const auto path = folder.path() / "runtime.yaml";
        REQUIRE_OK(
            fs::write_file_atomically(fs::real_file_system(), path, "overrides: {a: {x: 1}}\n")
        );
        const std::string flag = "-runtime-config.file=" + path.string();
        TestNode node({flag});
        const auto started = node.start({"runtime-config"});
        REQUIRE_FALSE(started.has_value());
        CHECK(
            started.error().message ==
            fmt::format("starting runtime-config: {}:1: overrides.a.x: unknown key", path.string())
        );
    }
}

}  // namespace mimir::app
