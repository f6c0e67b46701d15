#include <atomic>
#include <set>
#include <sstream>
#include <thread>

#include "canned_daemon.hpp"
#include "ctl/change.hpp"
#include "ctl/progress.hpp"

namespace mimir::ctl::test {
namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

constexpr std::string_view kWatch = "/admin/v1/operations/{id}/watch";
constexpr std::string_view kStop = "/admin/v1/modules/{name}/stop";

std::string operation(std::string_view state, int version, std::string_view more = "") {
    return fmt::format(
        R"({{"id":"op-7","kind":"stop","summary":"stop querier","state":"{}","version":{},)"
        R"("created":"2023-11-14T22:13:20.000Z","started":"2023-11-14T22:13:20.000Z",)"
        R"("ended":"2023-11-14T22:13:20.300Z","steps":[],"new_member":1{}}})",
        state,
        version,
        more
    );
}

http::Response accepted() {
    return http::Response::json(
        202,
        fmt::format(
            R"({{"changed":true,"message":"stopping querier","operation":{},"new":2}})",
            operation("pending", 1)
        )
    );
}

/// Whose stop begins op-7, of which the test says how it goes on.
void serve_stop(CannedDaemon& daemon, CannedDaemon::Make watch) {
    daemon.on(http::Method::post, std::string(kStop), [](const http::Request&) {
        return accepted();
    });
    daemon.on(http::Method::get, std::string(kWatch), std::move(watch));
}

TEST_SUITE("ctl/change") {
    TEST_CASE("it waits, and says done when it has seen it") {
        CannedDaemon daemon;
        serve_stop(daemon, [](const http::Request&) {
            return CannedDaemon::lines({operation("running", 2), "", operation("done", 3)});
        });
        const Ran ran = run_ctl(daemon, {"stop", "querier", "--cascade", "--if-revision", "17"});
        CAPTURE(ran.err);
        CHECK(ran.code == 0);
        CHECK(ran.out == "");
        CHECK(ran.err == "stop querier: done (op-7, 300 ms)\n");

        const auto seen = daemon.seen();
        REQUIRE(seen.size() == 2);
        CHECK(seen[0].target == "/admin/v1/modules/querier/stop");
        CHECK(seen[0].body == R"({"cascade":true,"dry_run":false})");
        CHECK(seen[0].headers.get("If-Match") == "\"17\"");
        CHECK(seen[0].headers.get("Idempotency-Key")->size() == 36);
        CHECK(seen[1].target == "/admin/v1/operations/op-7/watch?after=1");
    }

    TEST_CASE("several modules are one request") {
        CannedDaemon daemon;
        serve_stop(daemon, [](const http::Request&) {
            return CannedDaemon::lines({operation("done", 3)});
        });
        CHECK(run_ctl(daemon, {"stop", "querier", "ruler"}).code == 0);
        CHECK(daemon.seen()[0].target == "/admin/v1/modules/querier%2Cruler/stop");
    }

    TEST_CASE("every end has its exit code") {
        struct Case {
            std::string last;
            int code;
            std::string_view said;
        };
        const Case cases[] = {
            {operation("failed", 3, R"(,"error":"no disk","code":"module-failed")"),
             1,
             "stop querier failed (op-7): no disk"},
            {operation("failed", 3, R"(,"error":"gone","code":"module-unknown")"),
             3,
             "code: module-unknown"},
            {operation("failed", 3, R"(,"error":"gone","code":"from-the-future")"),
             1,
             "code: from-the-future"},
            {operation("canceled", 3), 1, "canceled, and undone"},
            {operation("done", 3, R"(,"warnings":["cut 3 requests"])"), 8, "warning: cut 3 requests"
            },
            {operation("done", 3, R"(,"note":"finished after a restart")"),
             0,
             "note: finished after a restart"},
        };
        for (const Case& c : cases) {
            CAPTURE(c.said);
            CannedDaemon daemon;
            serve_stop(daemon, [&](const http::Request&) { return CannedDaemon::lines({c.last}); });
            const Ran ran = run_ctl(daemon, {"stop", "querier"});
            CAPTURE(ran.err);
            CHECK(ran.code == c.code);
            CHECK(contains(ran.err, c.said));
        }
    }

    TEST_CASE("scripts get the answer with the operation as it ended, unknown members and all") {
        CannedDaemon daemon;
        serve_stop(daemon, [](const http::Request&) {
            return CannedDaemon::lines({operation("done", 3)});
        });
        const Ran json = run_ctl(daemon, {"stop", "querier", "-o", "json"});
        CHECK(contains(json.out, "\"state\": \"done\""));
        CHECK(contains(json.out, "\"new\": 2"));
        CHECK(contains(json.out, "\"new_member\": 1"));
        CHECK(run_ctl(daemon, {"stop", "querier", "-o", "name"}).out == "op-7\n");
    }

    TEST_CASE("--no-wait prints the id and asks no more") {
        CannedDaemon daemon;
        serve_stop(daemon, [](const http::Request&) { return CannedDaemon::lines({}); });
        const Ran ran = run_ctl(daemon, {"stop", "querier", "--no-wait"});
        CHECK(ran.code == 0);
        CHECK(ran.out == "op-7\n");
        CHECK(daemon.seen().size() == 1);
        CHECK(contains(
            run_ctl(daemon, {"stop", "querier", "--no-wait", "-o", "json"}).out, "\"id\": \"op-7\""
        ));
    }

    TEST_CASE("--timeout ends the waiting only") {
        CannedDaemon daemon;
        serve_stop(daemon, [&](const http::Request&) {
            return daemon.waiting_stream({operation("running", 2)});
        });
        const Ran ran = run_ctl(daemon, {"stop", "querier", "--timeout", "100ms"});
        CHECK(ran.code == 6);
        CHECK(ran.out == "op-7\n");
        CHECK(contains(ran.err, "not done after 100 ms: stop querier (op-7) goes on"));
    }

    TEST_CASE("ctrl-C ends the waiting only") {
        CannedDaemon daemon;
        Setup setup;
        serve_stop(daemon, [&, interrupt = setup.interrupt](const http::Request&) mutable {
            interrupt.cancel();
            return daemon.waiting_stream({operation("running", 2)});
        });
        const Ran ran = run_ctl(daemon, {"stop", "querier"}, setup);
        CHECK(ran.code == 130);
        CHECK(ran.out == "op-7\n");
        CHECK(contains(ran.err, "not waiting any longer: stop querier (op-7) goes on"));
    }

    TEST_CASE("a change that is not answered may have begun, and this is said") {
        CannedDaemon daemon;
        Setup setup;
        std::atomic<bool> interrupts = false;
        daemon.on(
            http::Method::post,
            std::string(kStop),
            [&, interrupt = setup.interrupt](const http::Request&) mutable {
                if (interrupts) interrupt.cancel();
                return daemon.waiting_stream({});
            }
        );
        const Ran late = run_ctl(daemon, {"stop", "querier", "--timeout", "1s"});
        CHECK(late.code == 6);
        CHECK(contains(late.err, "may have begun"));
        CHECK(contains(late.err, "`mimirctl operations`"));
        interrupts = true;
        const Ran interrupted = run_ctl(daemon, {"stop", "querier"}, setup);
        CHECK(interrupted.code == 130);
        CHECK(contains(interrupted.err, "may have begun"));
    }

    TEST_CASE("a broken stream is taken up after the version that was seen") {
        CannedDaemon daemon;
        std::atomic<int> streams = 0;
        serve_stop(daemon, [&](const http::Request&) {
            return streams++ == 0 ? CannedDaemon::lines({operation("running", 5)}, true)
                                  : CannedDaemon::lines({operation("done", 6)});
        });
        const Ran ran = run_ctl(daemon, {"stop", "querier"});
        CHECK(ran.code == 0);
        CHECK(
            ran.err ==
            "the connection to mimird broke; waiting for it to come back\n"
            "mimird is back\n"
            "stop querier: done (op-7, 300 ms)\n"
        );
        CHECK(daemon.seen().back().target == "/admin/v1/operations/op-7/watch?after=5");
    }

    TEST_CASE("waiting goes on over a restart of the daemon") {
        CannedDaemon daemon;
        std::atomic<int> streams = 0;
        serve_stop(daemon, [&](const http::Request&) {
            return streams++ == 0 ? daemon.waiting_stream({operation("running", 5)})
                                  : CannedDaemon::lines({operation("done", 6)});
        });
        std::thread restart([&] {
            CHECK(mimir::test::eventually(5s, [&] { return streams > 0; }));
            daemon.stop();
            daemon.start();
        });
        const Ran ran = run_ctl(daemon, {"stop", "querier"});
        restart.join();
        CAPTURE(ran.err);
        CHECK(ran.code == 0);
        CHECK(contains(ran.err, "stop querier: done"));
    }

    TEST_CASE("a daemon that does not come back is no success") {
        CannedDaemon daemon;
        std::atomic<bool> watched = false;
        serve_stop(daemon, [&](const http::Request&) {
            watched = true;
            return daemon.waiting_stream({operation("running", 5)});
        });
        std::thread end([&] {
            CHECK(mimir::test::eventually(5s, [&] { return watched.load(); }));
            daemon.stop();
        });
        const Ran ran = run_ctl(daemon, {"stop", "querier", "--timeout", "500ms"});
        end.join();
        CHECK(ran.code == 7);
        CHECK(contains(ran.err, "what became of op-7 is not known"));
    }

    TEST_CASE("an operation that is forgotten meanwhile is said to be") {
        CannedDaemon daemon;
        serve_stop(daemon, [](const http::Request&) {
            return CannedDaemon::problem("operation-unknown");
        });
        CHECK(run_ctl(daemon, {"stop", "querier"}).code == 3);
    }

    TEST_CASE("what is so already is done, and said") {
        CannedDaemon daemon;
        daemon.on(http::Method::post, std::string(kStop), [](const http::Request&) {
            return http::Response::json(
                200, R"({"changed":false,"message":"querier is stopped already","steps":[]})"
            );
        });
        const Ran ran = run_ctl(daemon, {"stop", "querier"});
        CHECK(ran.code == 0);
        CHECK(ran.out == "");
        CHECK(ran.err == "querier is stopped already\n");
        CHECK(contains(run_ctl(daemon, {"stop", "querier", "-o", "json"}).out, "\"changed\": false")
        );
    }

    TEST_CASE("--dry-run prints the plan, and its exit code says whether there is one") {
        CannedDaemon daemon;
        daemon.on(
            http::Method::post,
            "/admin/v1/modules/{name}/start",
            [](const http::Request& request) {
                const bool changes = request.path.find("querier") != std::string::npos;
                return http::Response::json(
                    200,
                    changes
                        ?
                        R"({"changed":true,"dry_run":true,"message":"would start 2 modules","warnings":["uses memory"],"steps":[
                    {"action":"start","subject":"ring","gate":"it runs","undo":"stop ring"},
                    {"action":"start","subject":"querier","gate":"it runs","undo":"stop querier"}]})"
                        : R"({"changed":false,"dry_run":true,"message":"runs already","steps":[]})"
                );
            }
        );
        const Ran ran = run_ctl(daemon, {"start", "querier", "--dry-run"});
        CHECK(ran.code == 10);
        CHECK(
            ran.out ==
            "STEP  ACTION  SUBJECT  DONE WHEN\n"
            "   1  start   ring     it runs\n"
            "   2  start   querier  it runs\n"
        );
        CHECK(ran.err == "warning: uses memory\nwould start 2 modules\n");
        CHECK(daemon.seen()[0].body == R"({"cascade":false,"dry_run":true})");
        CHECK(
            run_ctl(daemon, {"start", "querier", "--dry-run", "-o", "name"}).out ==
            "ring\nquerier\n"
        );
        CHECK(run_ctl(daemon, {"start", "ruler", "--dry-run"}).code == 0);
    }

    TEST_CASE("a terminal sees the steps as they go") {
        CannedDaemon daemon;
        const auto step = [](std::string_view state, std::string_view more) {
            return fmt::format(
                R"(,"steps":[{{"action":"stop","subject":"querier","state":"{}"{}}}])", state, more
            );
        };
        // The later "steps" of an object wins.
        serve_stop(daemon, [&](const http::Request&) {
            return CannedDaemon::lines({
                operation("running", 2, step("running", "")),
                operation(
                    "done",
                    3,
                    step(
                        "done",
                        R"(,"started":"2023-11-14T22:13:20.000Z","ended":"2023-11-14T22:13:20.200Z")"
                    )
                ),
            });
        });
        const Ran ran = run_ctl(daemon, {"stop", "querier"}, {.err_is_terminal = true});
        CHECK(
            ran.err ==
            "  stop querier ...\r\x1b[K  stop querier: done (200 ms)\nstop querier: done (op-7, 300 ms)\n"
        );
    }

    TEST_CASE("progress says how far it is, and what is next") {
        std::ostringstream out;
        api::Operation operation{
            .steps = {
                {.action = "start", .subject = "a", .state = api::StepState::running},
                {.action = "start", .subject = "b"},
            }
        };
        Progress progress(out, true);
        progress.show(operation);
        CHECK(out.str() == "  start a ... (1 of 2, next: start b)");
        operation.steps[0].state = api::StepState::done;
        operation.steps[1].state = api::StepState::running;
        progress.show(operation);
        CHECK(out.str().ends_with("\r\x1b[K  start a: done\n  start b ..."));
    }

    TEST_CASE("a change whose connection breaks is sent again with the same key") {
        CannedDaemon daemon;
        std::atomic<int> requests = 0;
        daemon.on(http::Method::post, std::string(kStop), [&](const http::Request&) {
            if (requests++ > 0)
                return http::Response::json(200, R"({"changed":false,"message":"well"})");
            http::Response torn;
            torn.stream = [](http::BodyWriter&) -> asio::awaitable<Result<void>> {
                co_return fail(ErrorKind::internal, "broken on purpose");
            };
            return torn;
        });
        CHECK(run_ctl(daemon, {"stop", "querier"}).code == 0);
        const auto seen = daemon.seen();
        REQUIRE(seen.size() == 2);
        CHECK(seen[0].headers.get("Idempotency-Key") == seen[1].headers.get("Idempotency-Key"));
    }

    TEST_CASE("keys are UUIDs, and no two are alike") {
        std::set<std::string> keys;
        for (int i = 0; i < 100; ++i) {
            const std::string key = new_idempotency_key();
            CHECK(key.size() == 36);
            CHECK(key[14] == '4');
            CHECK(std::string_view("89ab").find(key[19]) != std::string_view::npos);
            keys.insert(key);
        }
        CHECK(keys.size() == 100);
    }

    TEST_CASE("an unknown module comes with the nearest one") {
        CannedDaemon daemon;
        daemon.on(http::Method::post, std::string(kStop), [](const http::Request&) {
            return CannedDaemon::problem("module-unknown", "there is no module \"querer\"");
        });
        daemon.on_get("/admin/v1/modules", R"([{"name":"querier"},{"name":"ruler"}])");
        const Ran ran = run_ctl(daemon, {"stop", "querer"});
        CHECK(ran.code == 3);
        CHECK(contains(ran.err, "did you mean \"querier\"?"));
    }

    TEST_CASE("set-target puts, and --reset deletes") {
        CannedDaemon daemon;
        const auto answer = [](const http::Request&) {
            return http::Response::json(200, R"({"changed":false,"message":"is so"})");
        };
        daemon.on(http::Method::put, "/admin/v1/target", answer);
        daemon.on(http::Method::delete_, "/admin/v1/target", answer);
        CHECK(run_ctl(daemon, {"set-target", "ingester,querier"}).code == 0);
        CHECK(daemon.seen()[0].body == R"({"target":"ingester,querier","dry_run":false})");
        CHECK(run_ctl(daemon, {"set-target", "--reset", "--dry-run"}).code == 0);
        CHECK(daemon.seen()[1].body == R"({"cascade":false,"dry_run":true})");
    }

    TEST_CASE("operations are listed, shown, watched and canceled") {
        CannedDaemon daemon;
        daemon.on_get("/admin/v1/operations", "[" + operation("done", 3) + "]");
        daemon.on_get("/admin/v1/operations/{id}", operation("running", 2));
        daemon.on(http::Method::get, std::string(kWatch), [](const http::Request&) {
            return CannedDaemon::lines({operation("canceled", 3)});
        });
        daemon.on(http::Method::post, "/admin/v1/operations/{id}/cancel", [](const http::Request&) {
            return http::Response::json(202, operation("running", 2));
        });
        CHECK(
            run_ctl(daemon, {"operations"}).out ==
            "ID    STATE  AGE    TOOK  SUMMARY       ERROR\n"
            "op-7  done    0s  300 ms  stop querier  -\n"
        );
        CHECK(
            run_ctl(daemon, {"operations", "list", "--limit", "3", "-o", "name"}).out == "op-7\n"
        );
        CHECK(daemon.seen().back().target == "/admin/v1/operations?limit=3");
        CHECK(contains(
            run_ctl(daemon, {"operations", "op-7"}).out, "operation:  op-7: stop querier\n"
        ));
        CHECK(run_ctl(daemon, {"operations", "watch", "op-7"}).code == 1);
        const Ran canceled = run_ctl(daemon, {"operations", "cancel", "op-7"});
        CHECK(canceled.code == 0);
        CHECK(canceled.err == "op-7 is canceled, and undone\n");
    }
}

}  // namespace
}  // namespace mimir::ctl::test
