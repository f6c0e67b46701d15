#include "components/ingester/ingester.hpp"

#include <optional>

#include "support/test_support.hpp"

namespace mimir::ingester {
namespace {

using test::labels;

constexpr TimestampMs kNow{1'700'000'000'000};
constexpr TimeRange kAlways{TimestampMs::min(), TimestampMs::max()};

struct Fixture {
    Fixture() { start(); }

    void start() {
        ingester.reset();
        auto opened = Ingester::open(
            options,
            {fs::real_file_system(), limits, metrics, registry, {}, clock, [this] { return shape; }
            },
            {}
        );
        REQUIRE_OK(opened);
        ingester = *std::move(opened);
    }
    static rpc::RequestContext tenant(std::string_view name) {
        return {.tenant = *model::TenantId::parse(name)};
    }
    Result<void> push(
        std::string_view user, model::Labels series, model::Sample sample = {kNow, 1}
    ) {
        model::WriteRequest request;
        request.add(std::move(series), sample);
        return ingester->push(tenant(user), request);
    }
    std::size_t series_of(std::string_view user) {
        const auto selected =
            ingester->select(tenant(user), {model::Matcher::equal("job", "a")}, kAlways);
        REQUIRE_OK(selected);
        return (*selected)->count();
    }

    test::TempDir dir;
    Options options{.dir = dir.path()};
    config::LimitsProvider limits{config::Limits{.max_global_series_per_user = 3}};
    RingShape shape;
    test::ManualClock clock{kNow};
    telemetry::Registry registry;
    telemetry::MetricScope scope{registry};
    Metrics metrics{scope};
    std::unique_ptr<Ingester> ingester;
};

TEST_SUITE_BEGIN("ingester");

TEST_CASE("each tenant has its own data, kept over a restart") {
    Fixture f;
    REQUIRE_OK(f.push("a", labels("up{job=\"a\"}")));
    REQUIRE_OK(f.push("b", labels("up{job=\"a\",x=\"1\"}")));
    REQUIRE_OK(f.push("b", labels("up{job=\"a\",x=\"2\"}")));
    for (int i = 0; i < 2; ++i) {
        CHECK(f.series_of("a") == 1);
        CHECK(f.series_of("b") == 2);
        CHECK(f.series_of("nobody") == 0);
        const auto names = f.ingester->label_names(Fixture::tenant("b"), {}, kAlways);
        REQUIRE_OK(names);
        CHECK(*names == std::vector<std::string>{"__name__", "job", "x"});
        f.start();
    }
}

TEST_CASE("a selection outlives what happens to its tenant meanwhile") {
    Fixture f;
    REQUIRE_OK(f.push("a", labels("up{job=\"a\"}")));
    auto selected =
        f.ingester->select(Fixture::tenant("a"), {model::Matcher::equal("job", "a")}, kAlways);
    REQUIRE_OK(selected);
    f.ingester.reset();
    chunkenc::ChunkBatch batch;
    REQUIRE_OK((*selected)->load(0, 1, batch));
    CHECK(batch.chunks_of(0).size() == 1);
}

TEST_CASE("refused samples are counted, and the first refusal is returned") {
    Fixture f;
    REQUIRE_OK(f.push("a", labels("up{job=\"a\"}"), {kNow, 1}));
    REQUIRE_OK(f.push("a", labels("up{job=\"a\"}"), {kNow, 1}));
    CHECK(
        f.push("a", labels("up{job=\"a\"}"), {kNow, 2}).error().id == "sample-duplicate-timestamp"
    );
    CHECK(
        f.push("a", labels("up{job=\"a\"}"), {kNow - std::chrono::seconds(1), 2}).error().id ==
        "sample-out-of-order"
    );
    for (const char* x : {"1", "2"})
        REQUIRE_OK(f.push("a", model::Labels{{"__name__", "up"}, {"x", x}}));
    CHECK(f.push("a", labels("up{x=\"3\"}")).error().id == "max-series-per-user");
    const std::string text = telemetry::expose(f.registry.collect());
    for (const char* line : {
             "cortex_ingester_ingested_samples_total{user=\"a\"} 4\n",
             "cortex_ingester_ingested_samples_failures_total{user=\"a\"} 3\n",
             "cortex_discarded_samples_total{reason=\"sample_duplicate_timestamp\",user=\"a\","
             "group=\"\"} 1\n",
             "cortex_discarded_samples_total{reason=\"sample_out_of_order\",user=\"a\",group=\"\"} "
             "1\n",
             "cortex_discarded_samples_total{reason=\"per_user_series_limit\",user=\"a\",group="
             "\"\"} 1\n",
             "cortex_ingester_memory_series 3\n",
             "cortex_ingester_memory_users 1\n",
             "cortex_ingester_memory_series_created_total{user=\"a\"} 3\n",
             "cortex_ingester_memory_series_removed_total{user=\"a\"} 0\n",
             "cortex_ingester_tsdb_head_max_timestamp_seconds 1700000000\n",
         }) {
        CHECK_MESSAGE(text.find(line) != std::string::npos, line);
    }
}

TEST_CASE("a tenant whose storage can't be opened is unavailable, not empty") {
    Fixture f;
    REQUIRE_OK(f.push("a", labels("up{job=\"a\"}")));
    REQUIRE_OK(f.push("b", labels("up{job=\"a\"}")));
    f.ingester.reset();
    auto lock = fs::real_file_system().lock(f.dir.path() / "a" / "lock");
    REQUIRE_OK(lock);
    f.start();
    CHECK(f.series_of("b") == 1);
    CHECK(f.push("a", labels("up")).error().kind == ErrorKind::unavailable);
    const auto selected = f.ingester->select(Fixture::tenant("a"), {}, kAlways);
    REQUIRE_FALSE(selected.has_value());
    CHECK(selected.error().kind == ErrorKind::unavailable);
    lock->reset();
    REQUIRE_OK(f.push("a", labels("up{job=\"a\"}"), {kNow + std::chrono::seconds(1), 1}));
    CHECK(f.series_of("a") == 1);
}

TEST_CASE("a flush writes blocks of the tenants that were named") {
    Fixture f;
    REQUIRE_OK(f.push("a", labels("up{job=\"a\"}")));
    REQUIRE_OK(f.push("b", labels("up{job=\"a\"}")));
    CHECK_FALSE(f.ingester->flush_requested());
    f.ingester->request_flush({*model::TenantId::parse("b")});
    CHECK(f.ingester->flush_requested());
    f.ingester->run_requested_flushes();
    CHECK_FALSE(f.ingester->flush_requested());
    CHECK(
        telemetry::expose(f.registry.collect()).find("mimird_ingester_blocks 1\n") !=
        std::string::npos
    );
    CHECK(f.series_of("a") == 1);
    CHECK(f.series_of("b") == 1);
}

TEST_CASE("metadata is kept in memory while it is repeated") {
    Fixture f;
    model::WriteRequest request;
    request.metadata.push_back({"up", {model::MetricType::gauge, "Is it up?", ""}});
    REQUIRE_OK(f.ingester->push(Fixture::tenant("a"), request));
    const auto found = [&] {
        return f.ingester->metadata(Fixture::tenant("a"), {.metric = "up"})->size();
    };
    CHECK(found() == 1);
    f.clock.advance(std::chrono::minutes(11));
    f.ingester->compact([] { return false; });
    CHECK(found() == 0);
}

TEST_CASE("a tenant has its share of a global limit here") {
    Fixture f;
    f.limits.replace_defaults({.max_global_series_per_user = 12});
    f.shape = {.replication_factor = 3, .ingesters_in_zone = 12};
    for (int i = 0; i < 3; ++i) {
        REQUIRE_OK(f.push("a", model::Labels{{"__name__", "up"}, {"i", std::to_string(i)}}));
    }
    CHECK(f.push("a", labels("one_more")).error().id == "max-series-per-user");
    f.shape.ingesters_in_zone = 6;
    REQUIRE_OK(f.push("a", labels("one_more")));
}

TEST_CASE("a full ingester takes what it has, and no more") {
    Fixture f;
    f.limits.replace_defaults({.max_global_series_per_user = 0});
    f.options.instance_limits.max_series = 2;
    f.start();
    REQUIRE_OK(f.push("a", labels("up{x=\"1\"}")));
    REQUIRE_OK(f.push("a", labels("up{x=\"2\"}")));
    REQUIRE_OK(f.push("a", labels("up{x=\"2\"}"), {kNow + std::chrono::seconds(1), 1}));
    for (const char* tenant : {"a", "b"}) {
        const auto third = f.push(tenant, labels("up{x=\"3\"}"));
        REQUIRE_FALSE(third.has_value());
        CHECK(third.error().id == "ingester-max-series");
        CHECK(third.error().kind == ErrorKind::unavailable);
    }
    f.limits.replace_defaults({.max_global_series_per_user = 1});
    CHECK(f.push("a", labels("up{x=\"3\"}")).error().id == "max-series-per-user");
    CHECK(
        telemetry::expose(f.registry.collect())
            .find(
                "cortex_ingester_instance_rejected_requests_total{reason=\"ingester_max_series\"} 2"
            ) != std::string::npos
    );
}

TEST_CASE("an ingester has no more tenants than it may") {
    Fixture f;
    f.options.instance_limits.max_tenants = 1;
    f.start();
    REQUIRE_OK(f.push("a", labels("up")));
    CHECK(f.push("b", labels("up")).error().id == "ingester-max-tenants");
    REQUIRE_OK(f.push("a", labels("down")));
}

TEST_CASE("samples over the rate of the instance are refused until it has fallen") {
    Fixture f;
    f.options.instance_limits.max_ingestion_rate = 2;
    f.start();
    for (int i = 0; i < 4; ++i) {
        REQUIRE_OK(f.push("a", labels("up"), {kNow + std::chrono::seconds(i), 1}));
    }
    f.clock.advance(std::chrono::seconds(1));
    CHECK(f.push("a", labels("up")).error().id == "ingester-max-ingestion-rate");
    f.clock.advance(std::chrono::seconds(10));
    REQUIRE_OK(f.push("a", labels("up"), {kNow + std::chrono::seconds(9), 1}));
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::ingester
