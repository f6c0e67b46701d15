#include "kv/create.hpp"

#include "contract.hpp"

namespace mimir::kv::test {
namespace {

using mimir::test::TempDir;

bool exposes(const telemetry::Registry& registry, std::string_view line) {
    return ("\n" + telemetry::expose(registry.collect())).find(fmt::format("\n{}\n", line)) !=
           std::string::npos;
}

TEST_SUITE("kv/create") {
    TEST_CASE("each kind of store is made from its options") {
        const TempDir dir;
        runtime::IoThreads io(1);
        telemetry::Registry registry;
        Options options;
        const auto create_one = [&] {
            return create(options, {dir.path(), io, telemetry::Logger(), registry});
        };
        options.store = StoreKind::inmemory;
        REQUIRE_OK(create_one());
        CHECK((*create_one())->describe() == "inmemory");
        options.store = StoreKind::sqlite;
        REQUIRE_OK(create_one());
        CHECK((*create_one())->describe() == "sqlite " + (dir.path() / "kv.sqlite").native());
        options.store = StoreKind::etcd;
        CHECK(!create_one());
        options.etcd.endpoints = {"127.0.0.1:1"};
        REQUIRE_OK(create_one());
        CHECK((*create_one())->describe() == "etcd http://127.0.0.1:1");
        CHECK(!(*create_one())->get("a"));
        options.etcd.tls_enabled = true;
        options.etcd.tls_ca_path = dir.path() / "none.pem";
        const auto refused = create_one();
        REQUIRE(!refused);
        CHECK(refused.error().message.find("none.pem") != std::string::npos);
    }

    TEST_CASE("requests and watches are counted, and what is made keeps the promises of every store"
    ) {
        const TempDir dir;
        runtime::IoThreads io(1);
        telemetry::Registry registry;
        auto store = create({}, {dir.path(), io, telemetry::Logger(), registry}).value();
        RecordingWatcher watcher;
        auto watch = store->watch("a/", watcher);
        REQUIRE_OK(store->compare_and_swap("a/1", kAbsent, "1"));
        CHECK(!store->compare_and_swap("a/1", kAbsent, "1"));
        REQUIRE(eventually(10s, [&] { return watcher.has("a/1"); }));
        const auto requests = [](std::string_view status) {
            return fmt::format(
                R"(cortex_kv_request_duration_seconds_count{{operation="CAS",status_code="{}",type="sqlite"}} 1)",
                status
            );
        };
        CHECK(exposes(registry, requests("200")));
        CHECK(exposes(registry, requests("409")));
        CHECK(exposes(registry, R"(mimird_kv_watches{state="reachable",type="sqlite"} 1)"));
        CHECK(exposes(registry, R"(mimird_kv_watches{state="unreachable",type="sqlite"} 0)"));
        watch.reset();
        CHECK(exposes(registry, R"(mimird_kv_watches{state="reachable",type="sqlite"} 0)"));
        check_contract(*store, *store, "contract/");
        store.reset();
        CHECK(registry.collect().empty());
    }
}

}  // namespace
}  // namespace mimir::kv::test
