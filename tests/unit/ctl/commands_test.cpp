#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "canned_daemon.hpp"

namespace mimir::ctl::test {
namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

constexpr std::string_view kStatus =
    R"({"version":"0.0.1","pid":4711,"target":"all","config_file":""})";

/// More than any process can have.
constexpr int kNoPid = 1 << 23;

std::string event(int cursor, std::string_view more = "") {
    return fmt::format(
        R"({{"cursor":{},"time":"2023-11-14T22:13:20.000Z","severity":"info","kind":"module","subject":"querier",)"
        R"("message":"event {}"{}}})",
        cursor,
        cursor,
        more
    );
}

TEST_SUITE("ctl/commands") {
    TEST_CASE("events are a table") {
        CannedDaemon daemon;
        daemon.on_get(
            "/admin/v1/events", fmt::format("[{},{}]", event(7, R"(,"missed":3)"), event(8))
        );
        const Ran ran = run_ctl(daemon, {"events", "--after", "2"});
        CHECK(ran.code == 0);
        CHECK(ran.err == "3 older events no longer kept\n");
        CHECK(
            ran.out ==
            "TIME                      SEVERITY  SUBJECT  MESSAGE\n"
            "2023-11-14T22:13:20.000Z  info      querier  event 7\n"
            "2023-11-14T22:13:20.000Z  info      querier  event 8\n"
        );
        CHECK(daemon.seen()[0].target == "/admin/v1/events?after=2");
    }

    TEST_CASE("events are followed over a broken connection until ctrl-C") {
        CannedDaemon daemon;
        Setup setup;
        std::atomic<int> streams = 0;
        daemon.on(
            http::Method::get,
            "/admin/v1/events",
            [&, interrupt = setup.interrupt](const http::Request& request) mutable {
                if (!request.query.get("follow"))
                    return http::Response::json(200, "[" + event(7, R"(,"new":1)") + "]");
                if (streams++ == 0) return CannedDaemon::lines({event(8)}, true);
                auto response = daemon.waiting_stream({event(9)});
                interrupt.cancel();
                return response;
            }
        );
        const Ran ran = run_ctl(daemon, {"events", "--follow", "-o", "json"}, setup);
        CHECK(ran.code == 130);
        CHECK(contains(
            ran.out,
            R"("message":"event 7","new":1})"
            "\n"
        ));
        CHECK(contains(ran.out, "\"cursor\":8,"));
        const auto seen = daemon.seen();
        REQUIRE(seen.size() == 3);
        CHECK(seen[0].target == "/admin/v1/events?limit=10");
        CHECK(seen[1].target == "/admin/v1/events?follow=true&after=7");
        CHECK(seen[2].target == "/admin/v1/events?follow=true&after=8");
    }

    TEST_CASE("events are followed after a cursor although nothing newer is there yet") {
        CannedDaemon daemon;
        Setup setup;
        daemon.on(
            http::Method::get,
            "/admin/v1/events",
            [&, interrupt = setup.interrupt](const http::Request& request) mutable {
                if (!request.query.get("follow")) return http::Response::json(200, "[]");
                interrupt.cancel();
                return daemon.waiting_stream({});
            }
        );
        CHECK(run_ctl(daemon, {"events", "--follow", "--after", "41"}, setup).code == 130);
        REQUIRE(daemon.seen().size() == 2);
        CHECK(daemon.seen()[1].target == "/admin/v1/events?follow=true&after=41");
    }

    TEST_CASE("output that cannot be written ends the following, and is no success of help") {
        CannedDaemon daemon;
        daemon.on(http::Method::get, "/admin/v1/events", [&](const http::Request& request) {
            if (!request.query.get("follow")) return http::Response::json(200, "[]");
            return daemon.waiting_stream({event(8)});
        });
        for (const std::string_view format : {"table", "json", "yaml"}) {
            CAPTURE(format);
            const Ran ran = run_ctl(
                daemon, {"events", "--follow", "-o", std::string(format)}, {.out_is_full = true}
            );
            CHECK(ran.code == 1);
            CHECK(contains(ran.err, "the output cannot be written"));
        }
        CHECK(run_ctl({"--help"}, {.out_is_full = true}).code == 1);
        CHECK(run_ctl({"status", "--help"}, {.out_is_full = true}).code == 1);
    }

    TEST_CASE("the audit log is a table") {
        CannedDaemon daemon;
        daemon.on_get(
            "/admin/v1/audit",
            R"([{"seq":1,"time":"2023-11-14T22:13:20.000Z","actor":"root","uid":0,"pid":7,
            "via":"unix","action":"stop","subject":"querier","detail":"","revision":3,"outcome":"requested","hash":"ab"}])"
        );
        CHECK(
            run_ctl(daemon, {"audit", "--limit", "5"}).out ==
            "SEQ  TIME                      WHO   ACTION  SUBJECT  OUTCOME    DETAIL\n"
            "  1  2023-11-14T22:13:20.000Z  root  stop    querier  requested  -\n"
        );
    }

    TEST_CASE("a file is read here and checked by the daemon") {
        CannedDaemon daemon;
        daemon.on(http::Method::post, "/admin/v1/config/check", [](const http::Request& request) {
            const bool is_bad = request.body.find("traget") != std::string::npos;
            return http::Response::json(
                200,
                is_bad ? R"({"ok":false,"findings":["f:1: unknown key traget"]})"
                       : R"({"ok":true,"findings":[]})"
            );
        });
        daemon.on_get("/admin/v1/status", std::string(kStatus));
        const std::string file = daemon.dir() / "mimird.yaml";
        {
            std::ofstream(file) << "traget: all\n";
        }
        const Ran bad = run_ctl(daemon, {"config", "check", file});
        CHECK(bad.code == 1);
        CHECK(bad.out == "f:1: unknown key traget\n");
        CHECK(contains(daemon.seen()[0].body, R"("yaml":"traget: all\n")"));
        CHECK(run_ctl(daemon, {"config", "check", "-"}, {.in = "target: all\n"}).code == 0);
        CHECK(run_ctl(daemon, {"config", "check", file + "x"}).code == 3);
        CHECK(run_ctl(daemon, {"config", "check", daemon.dir().string()}).code == 2);
        const Ran none = run_ctl(daemon, {"config", "check"});
        CHECK(none.code == 3);
        CHECK(contains(none.err, "config-no-file"));
    }

    TEST_CASE("the configuration is shown as YAML, and compared") {
        CannedDaemon daemon;
        daemon.on_get(
            "/admin/v1/config", R"({"file":"/c","yaml":"target: all\nserver:\n  port: 1\n"})"
        );
        daemon.on_get("/admin/v1/config/diff", R"({"file":"/c","differences":[
            {"key":"querier.max_concurrent","running":"4","file":"8","module":"querier"}]})");
        CHECK(
            run_ctl(daemon, {"config", "show", "--mode", "diff"}).out ==
            "target: all\nserver:\n  port: 1\n"
        );
        CHECK(daemon.seen()[0].target == "/admin/v1/config?mode=diff");
        CHECK(
            run_ctl(daemon, {"config", "diff"}).out ==
            "KEY                     RUNNING  FILE  RESTARTS\n"
            "querier.max_concurrent  4        8     querier\n"
        );
    }

    TEST_CASE("the log level is shown and changed") {
        CannedDaemon daemon;
        daemon.on_get("/admin/v1/log-level", R"({"level":"info"})");
        daemon.on(http::Method::put, "/admin/v1/log-level", [](const http::Request& request) {
            return http::Response::json(200, request.body);
        });
        CHECK(run_ctl(daemon, {"log-level"}).out == "info\n");
        CHECK(run_ctl(daemon, {"log-level", "debug"}).out == "debug\n");
        CHECK(daemon.seen().back().body == R"({"level":"debug"})");
    }

    TEST_CASE("doctor puts what is seen from here before what the daemon sees") {
        CannedDaemon daemon;
        daemon.on_get("/admin/v1/status", std::string(kStatus));
        daemon.on_get(
            "/admin/v1/doctor",
            R"([{"name":"disk","state":"failure","what":"2 MiB free","fix":"free space","x":1}])"
        );
        const Ran ran = run_ctl(daemon, {"doctor"});
        CHECK(ran.code == 1);
        CHECK(contains(ran.out, "connection  ok"));
        CHECK(contains(ran.out, "versions    warning  mimird 0.0.1, mimirctl "));
        CHECK(contains(
            ran.out, "disk        failure  2 MiB free\n                     fix: free space\n"
        ));
        CHECK(contains(run_ctl(daemon, {"doctor", "-o", "json"}).out, "\"x\": 1"));
        const Ran alone = run_ctl({"doctor", "--socket", "/nonexistent/socket", "-o", "json"});
        CHECK(alone.code == 7);
        CHECK(contains(alone.out, "\"state\": \"failure\""));
    }

    TEST_CASE("shutdown is not done while the daemon is only slow, or its process lives on") {
        CannedDaemon daemon;
        std::atomic<bool> is_slow = false;
        std::atomic<std::int64_t> pid = kNoPid;
        daemon.on(http::Method::get, "/admin/v1/status", [&](const http::Request&) {
            if (is_slow) return daemon.waiting_stream({});
            return http::Response::json(
                200, fmt::format(R"({{"version":"1","pid":{}}})", pid.load())
            );
        });
        daemon.on(http::Method::post, "/admin/v1/shutdown", [&](const http::Request&) {
            is_slow = true;
            return http::Response::json(202, R"({"message":"ending"})");
        });
        const Ran slow = run_ctl(daemon, {"shutdown", "--timeout", "1200ms"});
        CHECK(slow.code == 6);
        CHECK_FALSE(contains(slow.err, "has ended"));

        is_slow = false;
        pid = ::getpid();
        std::thread end([&] {
            CHECK(mimir::test::eventually(5s, [&] { return is_slow.load(); }));
            daemon.stop();
        });
        const Ran alive = run_ctl(daemon, {"shutdown", "--timeout", "300ms"});
        end.join();
        CHECK(alive.code == 6);
        CHECK_FALSE(contains(alive.err, "has ended"));
    }

    TEST_CASE("shutdown is done when the daemon has gone") {
        CannedDaemon daemon;
        std::atomic<bool> asked = false;
        daemon.on_get("/admin/v1/status", fmt::format(R"({{"version":"1","pid":{}}})", kNoPid));
        daemon.on(http::Method::post, "/admin/v1/shutdown", [&](const http::Request&) {
            asked = true;
            return http::Response::json(202, R"({"message":"mimird drains and ends"})");
        });
        std::thread end([&] {
            CHECK(mimir::test::eventually(5s, [&] { return asked.load(); }));
            daemon.stop();
        });
        const Ran ran = run_ctl(daemon, {"shutdown"});
        end.join();
        CHECK(ran.code == 0);
        CHECK(
            ran.err == fmt::format("mimird drains and ends\nmimird (pid {}) has ended\n", kNoPid)
        );
    }

    TEST_CASE("shutdown asks on a terminal only, and waits no longer than it should") {
        CannedDaemon daemon;
        daemon.on_get("/admin/v1/status", std::string(kStatus));
        daemon.on(http::Method::post, "/admin/v1/shutdown", [](const http::Request&) {
            return http::Response::json(202, R"({"message":"ending"})");
        });
        const Setup no{.in = "no\n", .in_is_terminal = true, .err_is_terminal = true};
        const Ran refused = run_ctl(daemon, {"shutdown"}, no);
        CHECK(refused.code == 5);
        CHECK(contains(refused.err, "This ends mimird (pid 4711, target all)."));
        CHECK(daemon.seen().size() == 1);
        const Setup yes{.in = "yes\n", .in_is_terminal = true, .err_is_terminal = true};
        CHECK(run_ctl(daemon, {"shutdown", "--no-wait"}, yes).code == 0);
        const Ran unasked = run_ctl(daemon, {"shutdown", "--yes", "--timeout", "60ms"}, no);
        CHECK(unasked.code == 6);
        CHECK_FALSE(contains(unasked.err, "This ends"));
    }
}

}  // namespace
}  // namespace mimir::ctl::test
