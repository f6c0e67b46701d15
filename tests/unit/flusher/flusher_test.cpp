#include "components/flusher/flusher.hpp"

#include <sstream>

#include "components/flusher/module.hpp"
#include "model/write_request.hpp"
#include "support/test_support.hpp"

namespace mimir::flusher {
namespace {

using namespace std::chrono_literals;

constexpr TimestampMs kNow{1'700'000'000'000};
constexpr TimeRange kAlways{TimestampMs::min(), TimestampMs::max()};

struct Fixture {
    /// As an ingester does.
    std::unique_ptr<tsdb::Tsdb> open(std::string_view tenant) {
        auto opened = tsdb::Tsdb::open(
            {fs::real_file_system(), clock, metrics, {}}, dir.path() / tenant, storage
        );
        REQUIRE_OK(opened);
        return *std::move(opened);
    }
    void write(std::string_view tenant) {
        model::WriteRequest request;
        request.add(test::labels("up{job=\"a\"}"), {kNow, 1});
        REQUIRE_OK(open(tenant)->append(request, {}));
    }
    std::unique_ptr<modules::Service> create() {
        return create_service({
            .dir = dir.path(),
            .storage = storage,
            .files = fs::real_file_system(),
            .registry = registry,
            .log = telemetry::Logger::to_stream(
                out, telemetry::LogFormat::logfmt, telemetry::LogLevel::info
            ),
            .clock = clock,
        });
    }
    void check_flushed(std::string_view tenant) {
        CAPTURE(tenant);
        const auto db = open(tenant);
        CHECK(db->stats().blocks == 1);
        CHECK(db->head().series_count() == 0);
        const auto series = db->select({model::Matcher::equal("job", "a")}, kAlways);
        REQUIRE_OK(series);
        CHECK((*series)->count() == 1);
    }

    test::TempDir dir;
    tsdb::TsdbOptions storage;
    test::ManualClock clock{kNow};
    telemetry::Registry registry;
    telemetry::MetricScope scope{registry};
    tsdb::Metrics metrics{scope};
    std::ostringstream out;
};

TEST_SUITE_BEGIN("flusher");

TEST_CASE("the heads of all tenants become blocks, and then the work ends") {
    Fixture f;
    f.write("t1");
    f.write("t2");
    {
        const auto service = f.create();
        REQUIRE_OK(service->start({}));
        REQUIRE_OK(service->run({}));
        REQUIRE_OK(service->stop(1s));
    }
    CHECK(f.out.str().find("tenants=2") != std::string::npos);
    f.check_flushed("t1");
    f.check_flushed("t2");
}

TEST_CASE("a tenant that an ingester has open is an error that says so; the others are flushed") {
    Fixture f;
    f.write("t1");
    f.write("t2");
    {
        const auto running = f.open("t1");
        const auto started = f.create()->start({});
        REQUIRE_FALSE(started.has_value());
        CHECK(started.error().kind == ErrorKind::conflict);
        CHECK(started.error().message.find("tenant t1") != std::string::npos);
        CHECK(started.error().message.find("is an ingester running on") != std::string::npos);
        CHECK(running->stats().blocks == 0);
    }
    CHECK(f.out.str().find("user=t1") != std::string::npos);
    f.check_flushed("t2");
}

TEST_CASE("a folder that does not exist is an error, an empty one is done at once") {
    Fixture f;
    REQUIRE_OK(f.create()->start({}));
    const auto missing =
        flush_all(f.dir.path() / "none", {}, {fs::real_file_system(), f.metrics, {}, f.clock}, {});
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().kind == ErrorKind::not_found);
}

TEST_CASE("a flush that is canceled goes no further") {
    Fixture f;
    f.write("t1");
    auto cancel = CancellationToken::create();
    cancel.cancel();
    const auto started = f.create()->start(cancel);
    REQUIRE_FALSE(started.has_value());
    CHECK(started.error().kind == ErrorKind::canceled);
    CHECK(f.open("t1")->stats().blocks == 0);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::flusher
