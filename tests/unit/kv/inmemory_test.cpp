#include "kv/inmemory.hpp"

#include "contract.hpp"

namespace mimir::kv::test {
namespace {

TEST_SUITE("kv/inmemory") {
    TEST_CASE("it keeps the promises of every store") {
        InMemoryKvStore store;
        check_contract(store, store, "contract/");
        CHECK(store.describe() == "inmemory");
    }

    TEST_CASE("a key vanishes when its time is over since the last write, and watchers learn of it"
    ) {
        mimir::test::ManualClock clock({1'000'000});
        InMemoryKvStore store(clock);
        RecordingWatcher watcher;
        const auto watch = store.watch("", watcher);
        const auto version = store.compare_and_swap("a", kAbsent, "1", {.time_to_live = 10s});
        REQUIRE_OK(version);
        clock.advance(9s);
        REQUIRE_OK(store.compare_and_swap("a", *version, "2", {.time_to_live = 10s}));
        clock.advance(9s);
        CHECK(store.get("a").value());
        clock.advance(1s);
        CHECK(!store.get("a").value());
        CHECK(!watcher.has("a"));
        REQUIRE_OK(store.compare_and_swap("a", kAbsent, "3"));
        clock.advance(24h);
        CHECK(store.get("a").value()->value == "3");
    }

    TEST_CASE("a watcher may read the store, and outlive it by its watch") {
        class Reading final : public Watcher {
          public:
            explicit Reading(KvStore& the_store) : store(the_store) {}
            void updated(const Update&) override { seen = store.list("").value().size(); }
            void reachable(const Result<void>&) override {}
            KvStore& store;
            std::size_t seen = 0;
        };
        auto store = std::make_unique<InMemoryKvStore>();
        Reading watcher(*store);
        const auto watch = store->watch("", watcher);
        REQUIRE_OK(store->compare_and_swap("a", kAbsent, "1"));
        CHECK(watcher.seen == 1);
        store.reset();
    }
}

}  // namespace
}  // namespace mimir::kv::test
