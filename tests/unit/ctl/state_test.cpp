#include <algorithm>
#include <fstream>

#include "canned_daemon.hpp"

namespace mimir::ctl::test {
namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// kNow is 2023-11-14T22:13:20Z.
constexpr std::string_view kModules = R"([
 {"name":"server","state":"running","since":"2023-11-14T22:10:00.000Z","in_all":true,"dependencies":[],"error":"",
  "always":true,"needed_by":["ingester"]},
 {"name":"ingester","state":"running","since":"2023-11-14T22:12:20.000Z","in_all":true,"dependencies":["server"],
  "error":"","targetable":true,"wanted":false,"needed_by":["querier","ruler"]},
 {"name":"querier","state":"running","since":"2023-11-14T20:00:00.000Z","in_all":true,"dependencies":["ingester"],
  "error":"","targetable":true,"wanted":true,"routes":["/a","/b"],"from_the_future":{"x":1}},
 {"name":"ruler","state":"failed","since":"2023-11-14T22:13:15.000Z","in_all":true,"dependencies":["ingester"],
  "error":"disk \u001b[31mfull","targetable":true,"restarts":2,"next_restart":"2023-11-14T22:13:24.500Z"},
 {"name":"flusher","state":"stopped","since":"2023-11-01T22:13:15.000Z","in_all":false,"dependencies":[],"error":""}
])";

constexpr std::string_view kStatus = R"({"version":"0.1.0","build_revision":"abc","target":"all",
 "target_source":"stored","mode":"monolithic","ready":false,"not_ready":["ruler: failed"],"revision":17,
 "modules_running":9,"modules_failed":1,"operation":"op-3","journal":"ok","pid":4711,
 "started":"2023-11-14T21:13:20.000Z","resident_bytes":104857600,"open_fds":20,"threads":9,
 "http_address":"0.0.0.0:8080","prometheus_prefix":"/prometheus","admin_socket":"/s","state_dir":"/d",
 "config_file":"/c","from_the_future":[1,2]})";

TEST_SUITE("ctl/state") {
    TEST_CASE("modules are a table for people, with one request") {
        CannedDaemon daemon;
        daemon.on_get("/admin/v1/modules", std::string(kModules));
        const Ran ran = run_ctl(daemon, {"modules"});
        CHECK(ran.err == "");
        CHECK(ran.code == 0);
        CHECK(
            ran.out ==
            "NAME      STATE    SINCE  WHY\n"
            "server    running     3m  always runs\n"
            "ingester  running    60s  for querier, ruler\n"
            "querier   running     2h  asked for\n"
            "ruler     failed      5s  disk \\x1b[31mfull; next try in 4.5 s\n"
            "flusher   stopped    13d  -\n"
        );
        CHECK(daemon.seen().size() == 1);
        const Ran wide = run_ctl(daemon, {"modules", "-o", "wide"});
        CHECK(contains(wide.out, "NEEDED BY"));
    }

    TEST_CASE("scripts get the daemon's own objects, also what this program does not know") {
        CannedDaemon daemon;
        daemon.on_get("/admin/v1/modules", std::string(kModules));
        daemon.on_get("/admin/v1/status", std::string(kStatus));
        const Ran json = run_ctl(daemon, {"modules", "-o", "json"});
        CHECK(
            json.out.starts_with("[\n  {\n    \"name\": \"server\",\n    \"state\": \"running\",\n")
        );
        CHECK(contains(json.out, "\"from_the_future\": {\n      \"x\": 1\n    }"));
        const Ran lines = run_ctl(daemon, {"modules", "-o", "jsonl"});
        CHECK(std::ranges::count(lines.out, '\n') == 5);
        CHECK(
            run_ctl(daemon, {"modules", "-o", "name"}).out ==
            "server\ningester\nquerier\nruler\nflusher\n"
        );
        CHECK(contains(
            run_ctl(daemon, {"modules", "-o", "yaml"}).out, "  from_the_future:\n    x: 1\n"
        ));
        CHECK(
            run_ctl(daemon, {"status", "-o", "json"}).out.starts_with("{\n  \"version\": \"0.1.0\"")
        );
        CHECK(contains(run_ctl(daemon, {"status", "-o", "json"}).out, "from_the_future"));
    }

    TEST_CASE("an empty list is valid JSON and no error") {
        CannedDaemon daemon;
        daemon.on_get("/admin/v1/operations", "[]");
        CHECK(run_ctl(daemon, {"operations", "-o", "json"}).out == "[]\n");
        CHECK(run_ctl(daemon, {"operations", "-o", "yaml"}).out == "[]\n");
        CHECK(run_ctl(daemon, {"operations"}).code == 0);
    }

    TEST_CASE("status says what is the matter") {
        CannedDaemon daemon;
        daemon.on_get("/admin/v1/status", std::string(kStatus));
        const Ran ran = run_ctl(daemon, {"status"});
        CHECK(ran.code == 0);
        CHECK(
            ran.out ==
            "mimird:      0.1.0 (abc), pid 4711, up 60m\n"
            "target:      all (stored by set-target)\n"
            "mode:        monolithic\n"
            "ready:       no\n"
            "not ready:   ruler: failed\n"
            "modules:     9 running, 1 failed\n"
            "under way:   op-3\n"
            "public API:  0.0.0.0:8080\n"
            "memory:      100 MiB\n"
            "revision:    17\n"
        );
    }

    TEST_CASE("colours are for terminals, unless they are not wanted") {
        CannedDaemon daemon;
        daemon.on_get("/admin/v1/modules", std::string(kModules));
        CHECK(contains(run_ctl(daemon, {"modules"}, {.out_is_terminal = true}).out, "\x1b[32m"));
        CHECK_FALSE(contains(run_ctl(daemon, {"modules"}).out, "\x1b["));
        CHECK_FALSE(contains(
            run_ctl(daemon, {"modules", "--no-color"}, {.out_is_terminal = true}).out, "\x1b["
        ));
        const Setup no_color{.variables = {{"NO_COLOR", "1"}}, .out_is_terminal = true};
        CHECK_FALSE(contains(run_ctl(daemon, {"modules"}, no_color).out, "\x1b["));
    }

    TEST_CASE("the token of file or environment is sent") {
        CannedDaemon daemon;
        daemon.on_get("/admin/v1/modules", "[]");
        const std::string file = daemon.dir() / "token";
        {
            std::ofstream(file) << "secret-1\n";
        }
        CHECK(run_ctl(daemon, {"modules", "--token-file", file}).code == 0);
        CHECK(daemon.seen().back().headers.get("Authorization") == "Bearer secret-1");
        CHECK(run_ctl(daemon, {"modules"}, {.variables = {{"MIMIRCTL_TOKEN", "t2"}}}).code == 0);
        CHECK(daemon.seen().back().headers.get("Authorization") == "Bearer t2");
        CHECK(run_ctl(daemon, {"modules", "--token-file", file + "x"}).code == 2);
        {
            std::ofstream(file) << "two words";
        }
        CHECK(run_ctl(daemon, {"modules", "--token-file", file}).code == 2);
    }

    TEST_CASE("a token in the environment that is no token is a mistake") {
        CannedDaemon daemon;
        const Setup setup{.variables = {{"MIMIRCTL_TOKEN", "t\r\nX: b"}}};
        CHECK(run_ctl(daemon, {"modules"}, setup).code == 2);
        CHECK(daemon.seen().empty());
    }

    TEST_CASE("the JSON of somebody else does not pass for mimird's") {
        CannedDaemon other;
        other.on_get("/admin/v1/status", R"({"status":"ok"})");
        other.on_get("/admin/v1/modules", R"([{"id":1}])");
        other.on_get("/admin/v1/targets", R"({"status":"ok"})");
        for (const std::string command : {"status", "modules", "targets"}) {
            for (const std::string format : {"table", "json", "jsonl", "yaml", "name"}) {
                CAPTURE(command);
                CAPTURE(format);
                const Ran ran = run_ctl(other, {command, "-o", format});
                CHECK(ran.code == 7);
                CHECK(ran.out == "");
                CHECK(contains(ran.err, "is not mimird"));
            }
        }
    }

    TEST_CASE("a bare name is the socket's file when there is one") {
        CannedDaemon daemon;
        daemon.on_get("/admin/v1/modules", "[]");
        const auto before = std::filesystem::current_path();
        std::filesystem::current_path(daemon.dir());
        const Ran ran = run_ctl({"modules", "--socket", "admin.sock", "-o", "json"});
        std::filesystem::current_path(before);
        CHECK(ran.code == 0);
    }

    TEST_CASE("version works without a daemon, and names the daemon's when there is one") {
        CannedDaemon daemon;
        daemon.on_get("/admin/version", R"({"version":"9.9","api_min":1,"api_max":1})");
        CHECK(contains(run_ctl(daemon, {"version"}).out, "mimird   9.9, API 1 to 1"));
        CHECK(contains(run_ctl(daemon, {"--version"}).out, "mimirctl "));
        const Ran alone = run_ctl({"version", "--socket", "/nonexistent/socket"});
        CHECK(alone.code == 0);
        CHECK(contains(alone.out, "does not answer"));
        CHECK(contains(
            run_ctl({"version", "--socket", "/nonexistent/socket", "-o", "json"}).out,
            "\"mimird\": null"
        ));
    }

    TEST_CASE("a module is explained with what is around it") {
        CannedDaemon daemon;
        daemon.on_get("/admin/v1/modules", std::string(kModules));
        const Ran ran = run_ctl(daemon, {"explain", "ruler"});
        CHECK(ran.code == 0);
        CHECK(
            ran.out ==
            "module:      ruler\n"
            "state:       failed since 5s\n"
            "why:         disk \\x1b[31mfull; next try in 4.5 s\n"
            "restarts:    2 times in a row\n"
            "needs:       ingester (running)\n"
            "target:      yes, and part of all\n"
            "what to do:  mend what the error says, then: mimirctl start ruler (it is also tried again by itself)\n"
        );
        CHECK(contains(run_ctl(daemon, {"explain", "querier", "-o", "json"}).out, "from_the_future")
        );
        const Ran unknown = run_ctl(daemon, {"explain", "querer"});
        CHECK(unknown.code == 3);
        CHECK(contains(unknown.err, "did you mean \"querier\"?"));
    }

    TEST_CASE("codes are explained without a daemon") {
        const Ran ran = run_ctl({"explain", "module-needed"});
        CHECK(ran.code == 0);
        CHECK(contains(ran.out, "module-needed: Other modules need it"));
        CHECK(contains(ran.out, "Exit code: 5, HTTP status: 409"));
        CHECK(contains(run_ctl({"explain", "-o", "name"}).out, "revision-stale\n"));
        const Ran near = run_ctl({"explain", "module-neded", "--socket", "/nonexistent/socket"});
        CHECK(near.code == 7);
        CHECK(contains(near.err, "did you mean \"module-needed\"?"));
    }
}

}  // namespace
}  // namespace mimir::ctl::test
