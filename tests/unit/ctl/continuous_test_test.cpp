#include "canned_daemon.hpp"
#include "support/wave_store.hpp"

namespace mimir::ctl::test {
namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

struct Fixture {
    Ran run(std::vector<std::string> more) {
        std::vector<std::string> arguments{
            "continuous-test",
            "--write-endpoint",
            store.write_url(),
            "--read-endpoint",
            store.read_url(),
            "--series",
            "10",
            "--interval",
            "1ms",
        };
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run_ctl(arguments, {.interrupt = interrupt});
    }

    mimir::test::WaveStore store;
    CancellationToken interrupt = CancellationToken::create();
};

TEST_SUITE("ctl/continuous-test") {
    TEST_CASE("runs that pass are a line each, and a table in the end") {
        Fixture f;
        const Ran ran = f.run({"--runs", "2", "--tenant", "t1"});
        CAPTURE(ran.err);
        CHECK(ran.code == 0);
        CHECK(contains(ran.err, "run 1: 1 write, 4 queries, 3 checks: passed\n"));
        CHECK(contains(ran.err, "run 2: 0 writes, 3 queries, 3 checks: passed\n"));
        CHECK(
            ran.out ==
            "WHAT     DONE  FAILED\n"
            "runs        2       0\n"
            "writes      1       0\n"
            "queries     7       0\n"
            "checks      6       0\n"
        );
        CHECK(f.store.headers.get("X-Scope-OrgID") == "t1");
    }

    TEST_CASE("a store that doubles is found out, with exit code 1") {
        Fixture f;
        f.store.doubles = true;
        const Ran ran = f.run({"--runs", "1", "-o", "json"});
        CHECK(ran.code == 1);
        CHECK(contains(ran.err, "run 1: 1 write, 5 queries, 4 checks: failed\n"));
        CHECK(contains(ran.err, "  doubled: count of samples"));
        CHECK(contains(ran.err, "expected 10 samples, found 20 samples\n"));
        CHECK(contains(ran.out, "\"checks_failed\": 4"));
    }

    TEST_CASE("a store that loses is found out by the next run") {
        Fixture f;
        REQUIRE(f.run({"--runs", "1"}).code == 0);
        f.store.query_status = 503;
        const Ran ran = f.run({"--runs", "1"});
        CHECK(ran.code == 1);
        CHECK(contains(ran.err, "  query failed: "));
        CHECK(contains(ran.err, "the store answers 503: no querier"));
    }

    TEST_CASE("without endpoints it is the daemon's public API") {
        CannedDaemon daemon;
        daemon.on_get(
            "/admin/v1/status",
            fmt::format(
                R"({{"version":"0.1.0","http_address":"0.0.0.0:{}","prometheus_prefix":"/prom"}})",
                daemon.port()
            )
        );
        const Ran ran = run_ctl(daemon, {"continuous-test", "--runs", "1", "--series", "1"});
        CHECK(ran.code == 1);  // it serves neither
        CHECK(contains(
            ran.err, "write failed: samples of 2023-11-14T22:13:20.000Z: expected 2xx, found 404"
        ));
    }

    TEST_CASE("it ends after its time, and when ctrl-C comes") {
        Fixture f;
        const Ran ran = f.run({"--duration", "0s"});
        CHECK(ran.code == 0);
        CHECK(contains(ran.out, "runs        1"));
        f.interrupt.cancel();
        const Ran interrupted = f.run({});
        CHECK(interrupted.code == 0);
        CHECK(contains(interrupted.out, "runs        0"));
    }

    TEST_CASE("what cannot be is a usage error") {
        Fixture f;
        CHECK(f.run({"--runs", "1", "--duration", "1s"}).code == 2);
        CHECK(f.run({"--runs", "none"}).code == 2);
        CHECK(f.run({"--runs", "0"}).code == 2);
        CHECK(f.run({"--duration", "soon"}).code == 2);
        CHECK(run_ctl({"continuous-test", "--write-endpoint", "http://a:1"}).code == 2);
        CHECK(
            run_ctl({"continuous-test", "--write-endpoint", "a", "--read-endpoint", "b"}).code == 2
        );
        CHECK(f.store.pushes == 0);
    }
}

}  // namespace
}  // namespace mimir::ctl::test
