#include "components/query_frontend/module.hpp"

#include "kv/inmemory.hpp"
#include "support/test_support.hpp"
#include "unit/query_frontend/fake_querier.hpp"

namespace mimir::query_frontend {
namespace {

struct Fixture {
    std::unique_ptr<modules::Service> service() {
        return create_service({
            .options = {},
            .tenancy = tenancy,
            .limits = limits,
            .dispatch = dispatch,
            .place = {store, "collectors/", {"frontend-1", "10.0.0.1:9095", "a"}},
            .files = fs::real_file_system(),
            .executors = executors,
            .router = router,
            .registry = registry,
            .log = {},
        });
    }
    [[nodiscard]] bool in_ring() {
        const auto entry = store.get("collectors/query-frontend/frontend-1");
        return entry && entry->has_value();
    }

    http::Tenancy tenancy;
    config::LimitsProvider limits{config::Limits{}};
    FakeQuerier querier;
    FakeDispatch dispatch{querier};
    kv::InMemoryKvStore store;
    runtime::Executors executors{
        {.ingest = {1, 1}, .query = {1, 10}, .background = {1, 1}, .admin = {1, 1}}
    };
    http::Router router;
    telemetry::Registry registry;
};

TEST_SUITE_BEGIN("query_frontend/module");

TEST_CASE("a query-frontend is in its ring as long as it runs") {
    Fixture f;
    const auto service = f.service();
    CHECK_FALSE(f.in_ring());
    REQUIRE_OK(service->start({}));
    CHECK(f.in_ring());
    REQUIRE_OK(service->stop(std::chrono::seconds(1)));
    CHECK_FALSE(f.in_ring());
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::query_frontend
