#include "wave/tester.hpp"

#include "support/wave_store.hpp"

namespace mimir::wave {
namespace {

using namespace std::chrono_literals;
using Kind = Finding::Kind;
using Samples = test::WaveStore::Samples;

/// A multiple of the step, so that runs are at samples.
constexpr TimestampMs kStart{1'700'000'000'000};
constexpr std::size_t kSeries = 10;

struct Fixture {
    Fixture() { start(); }

    void start() {
        tester.reset();
        auto opened = Store::open({
            .write_endpoint = served.write_url(),
            .read_endpoint = served.read_url(),
            .tenant = "t1",
        });
        REQUIRE_OK(opened);
        store = *std::move(opened);
        tester.emplace(options, *store, random);
    }
    RunReport run(std::chrono::milliseconds after = 0s) {
        now = now + after;
        return tester->run(now, CancellationToken::create());
    }
    static std::string kinds(const RunReport& report) {
        std::string kinds;
        for (const Finding& finding : report.findings) {
            const std::string kind(to_string(finding.kind));
            if (kinds.find(kind) != std::string::npos) continue;
            kinds += (kinds.empty() ? "" : ", ") + kind;
        }
        return kinds;
    }
    static bool says(const RunReport& report, std::string_view what) {
        for (const Finding& finding : report.findings) {
            const std::string all = finding.what + "|" + finding.expected + "|" + finding.found;
            if (all.find(what) != std::string::npos) return true;
        }
        return false;
    }

    TesterOptions options{.series = kSeries, .batch_series = 4};
    test::WaveStore served;
    SeededRandom random = test::seeded_random();
    std::unique_ptr<Store> store;
    std::optional<Tester> tester;
    TimestampMs now = kStart;
};

TEST_SUITE_BEGIN("wave/tester");

TEST_CASE("what was written is found, run after run") {
    Fixture f;
    const RunReport first = f.run();
    CHECK(Fixture::kinds(first) == "");
    CHECK(first.writes == 3);  // 10 series in batches of 4
    CHECK(f.served.sample_count() == kSeries);
    CHECK(f.served.headers.get("X-Scope-OrgID") == "t1");

    const RunReport second = f.run(5min);
    CHECK(Fixture::kinds(second) == "");
    CHECK(f.served.sample_count() == 16 * kSeries);
    CHECK(second.checks >= 6);
    CHECK(second.checks_failed == 0);
    CHECK(second.written == TimeRange{kStart, kStart + 5min});

    // Nothing is due, all is there.
    const RunReport third = f.run(1s);
    CHECK(third.writes == 0);
    CHECK(third.passed());
}

TEST_CASE("a sample that the store lost is missing, and its series is named") {
    Fixture f;
    REQUIRE(f.run().passed());
    REQUIRE(f.run(5min).passed());
    f.served.with([](Samples& samples) { samples["3"].erase((kStart + 1min).ms); });
    const RunReport report = f.run(1s);
    CHECK(Fixture::kinds(report).find("missing") != std::string::npos);
    CHECK(Fixture::says(report, "159 samples"));
    CHECK(Fixture::says(report, "series_id=\"3\""));
    CHECK(report.checks_failed >= 2);
}

TEST_CASE("a time of which the store lost everything is missing") {
    Fixture f;
    REQUIRE(f.run().passed());
    REQUIRE(f.run(5min).passed());
    f.served.with([](Samples& samples) {
        for (auto& [id, series] : samples) series.erase((kStart + 1min).ms);
    });
    const RunReport report = f.run(1s);
    CHECK(Fixture::kinds(report) == "missing");
    CHECK(Fixture::says(report, "1 of 16 values, at 2023-11-14T22:14:20.000Z"));
}

TEST_CASE("a sample that the store altered is wrong, with what was expected and what was found") {
    Fixture f;
    REQUIRE(f.run().passed());
    f.served.with([](Samples& samples) { samples["3"][kStart.ms] += 0.001; });
    const RunReport report = f.run(1s);
    CHECK(Fixture::kinds(report) == "wrong");
    const SineWave wave(kSeries);
    CHECK(Fixture::says(report, fmt::format("|{}|", wave.value(kStart, 3))));
}

TEST_CASE("two samples that changed places are wrong, although their sum is right") {
    Fixture f;
    REQUIRE(f.run().passed());
    f.served.with([](Samples& samples) { std::swap(samples["3"], samples["4"]); });
    const RunReport report = f.run(1s);
    CHECK(Fixture::kinds(report) == "wrong");
    CHECK(Fixture::says(report, "2 of 10 values"));
}

TEST_CASE("series that come twice are doubled") {
    Fixture f;
    REQUIRE(f.run().passed());
    f.served.doubles = true;
    CHECK(Fixture::kinds(f.run(1s)) == "doubled");
}

TEST_CASE("samples between those that were written are doubled") {
    Fixture f;
    REQUIRE(f.run().passed());
    REQUIRE(f.run(20s).passed());
    f.served.with([](Samples& samples) { samples["3"][(kStart + 10s).ms] = 1; });
    const RunReport report = f.run(1s);
    CHECK(Fixture::kinds(report) == "doubled");
    CHECK(Fixture::says(report, "20 samples|21 samples"));
}

TEST_CASE("a series that was never written is wrong") {
    Fixture f;
    REQUIRE(f.run().passed());
    f.served.with([](Samples& samples) { samples["99"][kStart.ms] = 0; });
    CHECK(Fixture::says(f.run(1s), "series_id=\"99\"|no such series"));
}

TEST_CASE("after a restart the wave goes on, and what the store holds of it is checked") {
    Fixture f;
    REQUIRE(f.run().passed());
    REQUIRE(f.run(40min).passed());
    f.start();
    const RunReport report = f.run(10min);
    CHECK(report.passed());
    CHECK(report.written == TimeRange{kStart, kStart + 50min});
    CHECK(f.served.sample_count() == 151 * kSeries);
}

TEST_CASE("after a restart only what has no gap behind it is known") {
    Fixture f;
    REQUIRE(f.run().passed());
    REQUIRE(f.run(40min).passed());
    f.served.with([](Samples& samples) { samples["3"].erase((kStart + 20min).ms); });
    f.start();
    const RunReport report = f.run(20s);
    CHECK(report.passed());
    CHECK(report.written == TimeRange{kStart + 20min + kStep, f.now});
}

TEST_CASE("after a long pause the wave begins anew") {
    Fixture f;
    REQUIRE(f.run().passed());
    const RunReport report = f.run(51min);
    CHECK(report.passed());
    CHECK(report.written == TimeRange{f.now, f.now});
}

TEST_CASE("history is found over more than a day, and what is too old is not asked for") {
    Fixture f;
    f.options.query_age_max = 30h;
    const SineWave wave(kSeries);
    f.served.with([&](Samples& samples) {
        for (TimestampMs t = kStart - 40h; t < kStart; t = t + kStep) {
            for (std::size_t i = 0; i < kSeries; ++i)
                samples[std::to_string(i)][t.ms] = wave.value(t, i);
        }
    });
    f.start();
    const RunReport report = f.run();
    CHECK(report.passed());
    CHECK(report.written == TimeRange{kStart - 30h, kStart});
    f.served.with([&](Samples& samples) { samples["3"][(kStart - 31h).ms] = 7; });
    CHECK(f.run(1s).passed());
}

TEST_CASE("what the store could not take is written again, what it refuses is left out") {
    Fixture f;
    f.served.push_status = 503;
    const RunReport down = f.run();
    CHECK(Fixture::kinds(down) == "write failed");
    CHECK(down.writes_failed.at(503) == 1);
    CHECK_FALSE(down.written.has_value());
    f.served.push_status = 200;
    REQUIRE(f.run().passed());

    f.served.push_status = 503;
    CHECK_FALSE(f.run(1min).passed());
    f.served.push_status = 200;
    CHECK(f.run(20s).written == TimeRange{kStart, f.now});

    f.served.push_status = 400;
    CHECK(f.run(1min).writes_failed.at(400) == 3);
    f.served.push_status = 200;
    const RunReport after = f.run(20s);
    CHECK(after.passed());
    CHECK(after.written == TimeRange{f.now, f.now});
}

TEST_CASE("queries that fail are counted, and history is looked for again") {
    Fixture f;
    REQUIRE(f.run().passed());
    REQUIRE(f.run(20s).passed());
    f.start();
    f.served.query_status = 503;
    const RunReport down = f.run(20s);
    CHECK(Fixture::kinds(down) == "query failed");
    CHECK(Fixture::says(down, "the store answers 503: no querier"));
    CHECK(down.queries_failed == down.queries);
    CHECK(down.checks == 0);
    f.served.query_status = 200;
    const RunReport up = f.run(1s);
    CHECK(up.passed());
    CHECK(up.written == TimeRange{kStart, kStart + 40s});
}

TEST_CASE("nothing listens: every request failed, with status 0") {
    const auto store =
        Store::open({.write_endpoint = "http://127.0.0.1:1", .read_endpoint = "http://127.0.0.1:1"}
        );
    REQUIRE_OK(store);
    SeededRandom random = test::seeded_random();
    Tester tester({.series = 1}, **store, random);
    const RunReport report = tester.run(kStart, {});
    CHECK(report.writes_failed.at(0) == 1);
    CHECK(report.queries_failed == 1);
}

TEST_CASE("once it is canceled a run has no findings") {
    Fixture f;
    auto token = CancellationToken::create();
    token.cancel();
    const RunReport report = f.tester->run(kStart, token);
    CHECK(report.passed());
    CHECK(report.writes == 0);
    CHECK(report.queries == 0);
}

TEST_CASE("credentials are sent") {
    test::WaveStore served;
    StoreOptions options{.write_endpoint = served.write_url(), .read_endpoint = served.read_url()};
    SUBCASE("a bearer token") {
        options.bearer_token = "secret";
        REQUIRE_OK((*Store::open(options))->query("x[1s]", kStart, {}));
        CHECK(served.headers.get("Authorization") == "Bearer secret");
    }
    SUBCASE("a user and a password") {
        options.basic_auth_user = "Aladdin";
        options.basic_auth_password = "open sesame";
        REQUIRE_OK((*Store::open(options))->query("x[1s]", kStart, {}));
        CHECK(served.headers.get("Authorization") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }
    CHECK_FALSE(served.headers.has("X-Scope-OrgID"));
}

TEST_CASE("endpoints are URLs") {
    CHECK(check_endpoint("http://host:8080").has_value());
    CHECK(check_endpoint("https://host:8080/prometheus/").has_value());
    CHECK_FALSE(check_endpoint("host:8080").has_value());
    CHECK_FALSE(check_endpoint("http://host:port").has_value());
    CHECK_FALSE(check_endpoint("").has_value());
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::wave
