#include <sstream>
#include <thread>

#include "components/continuous_test/module.hpp"
#include "support/wave_store.hpp"

namespace mimir::continuous_test {
namespace {

using namespace std::chrono_literals;

constexpr TimestampMs kNow{1'700'000'000'000};

struct Fixture {
    Result<std::unique_ptr<modules::Service>> create() {
        return create_service({
            .options = options,
            .own_write_endpoint = store.write_url(),
            .own_read_endpoint = store.read_url(),
            .registry = registry,
            .log = telemetry::Logger::to_stream(
                out, telemetry::LogFormat::logfmt, telemetry::LogLevel::info
            ),
            .clock = clock,
        });
    }
    /// The exposition has this line.
    [[nodiscard]] bool has_metric(std::string_view line) const {
        const std::string text = telemetry::expose(registry.collect());
        return text.find(fmt::format("\n{}\n", line)) != std::string::npos;
    }

    test::WaveStore store;
    Options options{.num_series = 10};
    telemetry::Registry registry;
    std::ostringstream out;
    test::ManualClock clock{kNow};
};

TEST_SUITE_BEGIN("continuous_test");

TEST_CASE("it runs until it is stopped, and counts what it does") {
    Fixture f;
    f.options.run_interval = 1ms;
    auto service = f.create();
    REQUIRE_OK(service);
    CHECK(f.has_metric(
        R"(mimir_continuous_test_query_result_checks_failed_total{test="write-read-series"} 0)"
    ));
    REQUIRE_OK((*service)->start({}));
    {
        const std::jthread running([&](const std::stop_token& stop) {
            CHECK((*service)->run(stop).has_value());
        });
        CHECK(test::eventually(10s, [&] { return f.store.queries > 20; }));
    }
    REQUIRE_OK((*service)->stop(1s));
    CHECK(f.has_metric(R"(mimir_continuous_test_writes_total{test="write-read-series"} 1)"));
    CHECK(f.has_metric(
        R"(mimir_continuous_test_query_result_checks_failed_total{test="write-read-series"} 0)"
    ));
    CHECK(f.store.headers.get("X-Scope-OrgID") == "anonymous");
    CHECK(f.out.str().find("passed=true") != std::string::npos);
}

TEST_CASE("a smoke test is one run, and then the work ends") {
    Fixture f;
    f.options.smoke_test = true;
    auto service = f.create();
    REQUIRE_OK(service);
    REQUIRE_OK((*service)->start({}));
    CHECK(f.store.pushes == 1);
    REQUIRE_OK((*service)->run({}));
    CHECK(f.store.pushes == 1);
}

TEST_CASE("a smoke test that fails is a start that fails, and says what was expected and found") {
    Fixture f;
    f.options.smoke_test = true;
    f.store.doubles = true;
    auto service = f.create();
    REQUIRE_OK(service);
    const auto started = (*service)->start({});
    REQUIRE_FALSE(started.has_value());
    CHECK(started.error().message.starts_with("smoke test: of 1 writes 0 failed"));
    const std::string log = f.out.str();
    CHECK(log.find("kind=doubled") != std::string::npos);
    CHECK(log.find("expected=\"10 samples\" found=\"20 samples\"") != std::string::npos);
}

TEST_CASE("writes that are not taken are counted by their status code") {
    Fixture f;
    f.options.smoke_test = true;
    f.store.push_status = 429;
    auto service = f.create();
    REQUIRE_OK(service);
    CHECK_FALSE((*service)->start({}).has_value());
    CHECK(
        f.has_metric("mimir_continuous_test_writes_failed_total"
                     R"({status_code="429",test="write-read-series"} 1)")
    );
}

TEST_CASE("a smoke test that is canceled did not pass") {
    Fixture f;
    f.options.smoke_test = true;
    auto service = f.create();
    REQUIRE_OK(service);
    auto cancel = CancellationToken::create();
    cancel.cancel();
    const auto started = (*service)->start(cancel);
    REQUIRE_FALSE(started.has_value());
    CHECK(started.error().kind == ErrorKind::canceled);
}

TEST_CASE("the options' endpoints win over the process' own") {
    Fixture f;
    test::WaveStore other;
    f.options.smoke_test = true;
    f.options.write_endpoint = other.write_url();
    f.options.read_endpoint = other.read_url();
    auto service = f.create();
    REQUIRE_OK(service);
    REQUIRE_OK((*service)->start({}));
    CHECK(f.store.pushes == 0);
    CHECK(other.pushes == 1);
}

TEST_CASE(
    "endpoints that are no URLs, and credentials of two kinds, are found when settings are checked"
) {
    const auto findings_of = [](const Options& options) {
        config::Findings findings;
        validate(options, findings);
        return findings.empty() ? std::string() : findings.result().error().message;
    };
    CHECK(findings_of({}).empty());
    CHECK(findings_of({.write_endpoint = "host"}).find("tests.write_endpoint") == 0);
    CHECK(findings_of({.read_endpoint = "host"}).find("tests.read_endpoint") == 0);
    CHECK(
        findings_of({.basic_auth_user = "a", .bearer_token = "b"}).find("tests.bearer_token") == 0
    );
}

TEST_CASE("the settings have Mimir's keys and flags") {
    config::Declarer declarer;
    Options options;
    declare(declarer, options);
    for (const std::string_view flag :
         {"tests.write-endpoint",
          "tests.read-endpoint",
          "tests.tenant-id",
          "tests.run-interval",
          "tests.smoke-test",
          "tests.write-read-series-test.num-series",
          "tests.write-read-series-test.max-query-age"}) {
        CAPTURE(flag);
        CHECK(declarer.find_flag(flag) != nullptr);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::continuous_test
