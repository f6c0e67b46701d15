#include "ring/lifecycler.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "fs/memory_file_system.hpp"
#include "kv/inmemory.hpp"
#include "ring/ring.hpp"
#include "support/test_support.hpp"

using namespace mimir;
using namespace std::chrono_literals;
using ring::InstanceState;
using ring::Lifecycler;
using ring::LifecyclerOptions;
using ring::Ring;

namespace {

/// An in-memory store that can't be reached while a test says so.
class UnsteadyStore final : public kv::KvStore {
  public:
    explicit UnsteadyStore(kv::KvStore& store) : store_(store) {}

    using KvStore::compare_and_swap;
    Result<std::optional<kv::Entry>> get(std::string_view key) override {
        MIMIR_TRY(check());
        return store_.get(key);
    }
    Result<std::vector<kv::Entry>> list(std::string_view prefix) override {
        MIMIR_TRY(check());
        return store_.list(prefix);
    }
    Result<std::uint64_t> compare_and_swap(
        std::string_view key, std::uint64_t expected, std::string value, WriteOptions options
    ) override {
        if (loses_answers) {
            static_cast<void>(store_.compare_and_swap(key, expected, std::move(value), options));
        }
        MIMIR_TRY(check());
        return store_.compare_and_swap(key, expected, std::move(value), options);
    }
    Result<void> remove(std::string_view key, std::uint64_t expected) override {
        MIMIR_TRY(check());
        return store_.remove(key, expected);
    }
    std::unique_ptr<Watch> watch(std::string prefix, kv::Watcher& watcher) override {
        watcher_ = &watcher;
        return store_.watch(std::move(prefix), watcher);
    }
    /// Tells the last one that began to watch.
    void tell_watcher(const Result<void>& state) { watcher_->reachable(state); }
    [[nodiscard]] std::string describe() const override { return store_.describe(); }

    bool away = false;
    bool loses_answers = false;

  private:
    [[nodiscard]] Result<void> check() const {
        if (away || loses_answers) return fail(ErrorKind::unavailable, "the store is away");
        return {};
    }
    kv::KvStore& store_;
    kv::Watcher* watcher_ = nullptr;
};

/// A store, and processes that join a ring in it.
struct World {
    test::ManualClock clock{TimestampMs{1'700'000'000'000}};
    kv::InMemoryKvStore kv{clock};
    UnsteadyStore store{kv};
    fs::MemoryFileSystem files;
    telemetry::Registry registry;
    SeededRandom random{11};

    LifecyclerOptions options(const std::string& id, std::size_t tokens = 16) const {
        return {
            .ring_name = "ingester",
            .prefix = "collectors/",
            .instance_id = id,
            .address = id + ":9095",
            .num_tokens = tokens,
        };
    }
    std::unique_ptr<Lifecycler> process(
        LifecyclerOptions options, Lifecycler::Drive drive = Lifecycler::Drive::manual
    ) {
        return std::make_unique<Lifecycler>(
            std::move(options),
            Lifecycler::Environment{store, files, {}, registry, random, clock},
            drive
        );
    }
    /// What the store says of an instance.
    std::optional<ring::Instance> entry(const std::string& id) {
        const auto entry = kv.get("collectors/ingester/" + id);
        if (!*entry) return std::nullopt;
        return *ring::decode_instance((*entry)->value);
    }
    void wipe(const std::string& id) {
        const std::string key = "collectors/ingester/" + id;
        REQUIRE_OK(kv.remove(key, (*kv.get(key))->version));
    }
};

}  // namespace

TEST_SUITE("ring/lifecycler") {
    TEST_CASE("an instance joins, becomes active, leaves, and is gone") {
        World world;
        const auto a = world.process(world.options("a"));
        CHECK_FALSE(a->state());
        REQUIRE_OK(a->join());
        auto entry = world.entry("a");
        REQUIRE(entry);
        CHECK(entry->state == InstanceState::joining);
        CHECK(entry->tokens.size() == 16);
        CHECK(entry->address == "a:9095");
        CHECK(entry->registered == world.clock.now());
        CHECK(*entry == a->instance());
        REQUIRE_OK(a->change_state(InstanceState::active));
        world.clock.advance(15s);
        a->tick();
        CHECK(world.entry("a")->heartbeat == world.clock.now());
        CHECK(world.entry("a")->state == InstanceState::active);
        REQUIRE_OK(a->leave(Lifecycler::Entry::remove));
        CHECK_FALSE(world.entry("a"));
        a->tick();
        CHECK_FALSE(world.entry("a"));
    }
    TEST_CASE("a new process continues what an earlier one left") {
        World world;
        auto first = world.process(world.options("a"));
        REQUIRE_OK(first->join());
        REQUIRE_OK(first->change_state(InstanceState::active));
        REQUIRE_OK(first->set_read_only(true));
        const auto before = *world.entry("a");
        world.clock.advance(5s);
        SUBCASE("that ended without a word, at the same address") { first.reset(); }
        SUBCASE("that kept its entry, and had another address") {
            REQUIRE_OK(first->leave(Lifecycler::Entry::keep));
            CHECK(world.entry("a")->state == InstanceState::leaving);
        }
        auto options = world.options("a");
        if (first) options.address = "elsewhere:9095";
        const auto second = world.process(options);
        REQUIRE_OK(second->join());
        const auto entry = *world.entry("a");
        CHECK(entry.tokens == before.tokens);
        CHECK(entry.registered == before.registered);
        CHECK(entry.read_only);
        CHECK(entry.read_only_updated == before.read_only_updated);
        CHECK(entry.state == InstanceState::joining);
        CHECK(entry.address == options.address);
    }
    TEST_CASE("who has the id of a process that lives is refused, until that one's time is up") {
        World world;
        const auto first = world.process(world.options("a"));
        REQUIRE_OK(first->join());
        auto options = world.options("a");
        options.address = "elsewhere:9095";
        const auto second = world.process(options);
        const auto refused = second->join();
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind == ErrorKind::conflict);
        CHECK(refused.error().message.find("a:9095") != std::string::npos);
        world.clock.advance(61s);
        REQUIRE_OK(second->join());
        SUBCASE("the first one notices, and writes no more") {
            first->tick();
            REQUIRE_FALSE(first->state());
            CHECK(first->state().error().kind == ErrorKind::conflict);
            CHECK(world.entry("a")->address == "elsewhere:9095");
            REQUIRE_OK(first->leave(Lifecycler::Entry::remove));
            CHECK(world.entry("a")->address == "elsewhere:9095");
        }
        SUBCASE("the first one is back when the second has left") {
            first->tick();
            REQUIRE_OK(second->leave(Lifecycler::Entry::remove));
            first->tick();
            REQUIRE_OK(first->state());
            CHECK(world.entry("a")->address == "a:9095");
        }
    }
    TEST_CASE("tokens survive in a file where the ring forgot them") {
        World world;
        auto options = world.options("a");
        options.tokens_file = "/state/tokens";
        auto a = world.process(options);
        REQUIRE_OK(a->join());
        const auto tokens = world.entry("a")->tokens;
        REQUIRE_OK(a->leave(Lifecycler::Entry::remove));
        SUBCASE("they are taken from it") {
            a = world.process(options);
            REQUIRE_OK(a->join());
            CHECK(world.entry("a")->tokens == tokens);
        }
        SUBCASE("but those that another has meanwhile") {
            ring::Instance other{.id = "b", .address = "b:9095"};
            other.tokens = {tokens[3], tokens[9]};
            REQUIRE_OK(world.kv.compare_and_swap("collectors/ingester/b", 0, encode(other)));
            a = world.process(options);
            REQUIRE_OK(a->join());
            std::set<Token> all(other.tokens.begin(), other.tokens.end());
            const auto entry = world.entry("a");
            for (const Token token : entry->tokens) CHECK(all.insert(token).second);
            CHECK(all.size() == 18);
        }
        SUBCASE("a file that can't be read is replaced") {
            REQUIRE_OK(fs::write_file_atomically(world.files, "/state/tokens", "{\"tokens\":[-1]}")
            );
            a = world.process(options);
            REQUIRE_OK(a->join());
            CHECK(world.entry("a")->tokens.size() == 16);
            CHECK(world.files.read_file("/state/tokens")->find("-1") == std::string::npos);
        }
    }
    TEST_CASE("an entry that vanished is written again") {
        World world;
        const auto a = world.process(world.options("a"));
        REQUIRE_OK(a->join());
        REQUIRE_OK(a->change_state(InstanceState::active));
        const auto before = *world.entry("a");
        world.wipe("a");
        a->tick();
        REQUIRE(world.entry("a"));
        CHECK(world.entry("a")->tokens == before.tokens);
        CHECK(world.entry("a")->state == InstanceState::active);
        SUBCASE("without the tokens that others chose meanwhile") {
            world.wipe("a");
            ring::Instance other{.id = "b"};
            other.tokens = {before.tokens[0]};
            REQUIRE_OK(world.kv.compare_and_swap("collectors/ingester/b", 0, encode(other)));
            a->tick();
            CHECK(world.entry("a")->tokens.size() == 16);
            CHECK(std::ranges::count(world.entry("a")->tokens, before.tokens[0]) == 0);
        }
    }
    TEST_CASE("while the store is away nothing is lost") {
        World world;
        const auto a = world.process(world.options("a"));
        world.store.away = true;
        CHECK(a->join().error().kind == ErrorKind::unavailable);
        world.store.away = false;
        REQUIRE_OK(a->join());
        SUBCASE("a change of state comes with the first heartbeat that arrives") {
            world.store.away = true;
            CHECK_FALSE(a->change_state(InstanceState::active));
            CHECK_FALSE(a->state());
            CHECK(world.entry("a")->state == InstanceState::joining);
            world.store.away = false;
            a->tick();
            REQUIRE_OK(a->state());
            CHECK(world.entry("a")->state == InstanceState::active);
        }
        SUBCASE("a write that arrived, and whose answer did not, is no conflict") {
            world.store.loses_answers = true;
            CHECK_FALSE(a->change_state(InstanceState::active));
            world.store.loses_answers = false;
            CHECK(world.entry("a")->state == InstanceState::active);
            world.clock.advance(15s);
            a->tick();
            REQUIRE_OK(a->state());
            CHECK(world.entry("a")->heartbeat == world.clock.now());
        }
        SUBCASE("leaving can be tried again") {
            world.store.away = true;
            CHECK_FALSE(a->leave(Lifecycler::Entry::remove));
            world.store.away = false;
            REQUIRE_OK(a->leave(Lifecycler::Entry::remove));
            CHECK_FALSE(world.entry("a"));
        }
    }
    TEST_CASE("members that fell silent are forgotten, where asked for, by the observer's clock") {
        World world;
        auto options = world.options("a", 0);
        options.forget_after = 10min;
        const auto a = world.process(options);
        const auto b = world.process(world.options("b", 0));
        REQUIRE_OK(a->join());
        REQUIRE_OK(b->join());
        // Its clock is an hour behind, but it lives.
        ring::Instance skewed{.id = "c", .heartbeat = world.clock.now() - 9min};
        auto version = world.kv.compare_and_swap("collectors/ingester/c", 0, encode(skewed));
        for (int i = 0; i < 42; ++i) {
            a->tick();
            world.clock.advance(15s);
            skewed.heartbeat = skewed.heartbeat + 15s;
            version = world.kv.compare_and_swap("collectors/ingester/c", *version, encode(skewed));
        }
        a->tick();
        CHECK(world.entry("a"));
        CHECK_FALSE(world.entry("b"));
        CHECK(world.entry("c"));
        SUBCASE("what was dead for long before it was first seen goes at once") {
            const ring::Instance dead{.id = "d", .heartbeat = world.clock.now() - 12min};
            REQUIRE_OK(world.kv.compare_and_swap("collectors/ingester/d", 0, encode(dead)));
            a->tick();
            CHECK_FALSE(world.entry("d"));
        }
    }
    TEST_CASE("heartbeats have a thread of their own, which ends with the object") {
        World world;
        auto options = world.options("a");
        options.heartbeat_period = 1ms;
        auto a = world.process(options, Lifecycler::Drive::thread);
        REQUIRE_OK(a->join());
        world.wipe("a");
        CHECK(test::eventually(10s, [&] { return world.entry("a").has_value(); }));
        a.reset();
        world.wipe("a");
        CHECK_FALSE(world.entry("a"));
    }
    TEST_CASE("metrics say what it has") {
        World world;
        const auto a = world.process(world.options("a"));
        REQUIRE_OK(a->join());
        REQUIRE_OK(a->set_read_only(true));
        const std::string text = telemetry::expose(world.registry.collect());
        CHECK(
            text.find("cortex_member_ring_tokens_owned{name=\"ingester\"} 16\n") !=
            std::string::npos
        );
        CHECK(
            text.find("cortex_member_ring_tokens_to_own{name=\"ingester\"} 16\n") !=
            std::string::npos
        );
        CHECK(text.find("cortex_lifecycler_read_only{name=\"ingester\"} 1\n") != std::string::npos);
        CHECK(
            text.find("cortex_ring_member_heartbeats_total{name=\"ingester\"} 3\n") !=
            std::string::npos
        );
    }
}

TEST_SUITE("ring/ring") {
    TEST_CASE("a ring sees who joins, changes and leaves") {
        World world;
        Ring ring(
            "ingester",
            "collectors/",
            {.replication_factor = 1},
            {world.kv, {}, world.registry, world.clock}
        );
        REQUIRE_OK(ring.wait_until_read(0ms));
        CHECK(ring.status().problem == "the ring is empty");
        const auto a = world.process(world.options("a"));
        const auto b = world.process(world.options("b"));
        REQUIRE_OK(a->join());
        REQUIRE_OK(b->join());
        REQUIRE_OK(a->change_state(InstanceState::active));
        CHECK(ring.view()->members().size() == 2);
        CHECK(ring.healthy_count() == 1);
        CHECK(ring.healthy_count(InstanceState::joining) == 1);
        const auto status = ring.status();
        CHECK(status.problem.empty());
        CHECK(status.members[0].ownership + status.members[1].ownership == doctest::Approx(1));

        SUBCASE("a heartbeat makes no new view, and keeps a member healthy") {
            const auto view = ring.view();
            for (int i = 0; i < 5; ++i) {
                world.clock.advance(15s);
                a->tick();
            }
            CHECK(ring.view() == view);
            CHECK(view->is_healthy(0, ring::Operation::read, world.clock.steady_now()));
            CHECK(ring.healthy_count() == 1);
            CHECK(ring.healthy_count(InstanceState::joining) == 0);
            CHECK(ring.status().members[0].instance.heartbeat == world.clock.now());
            const std::string text = telemetry::expose(world.registry.collect());
            CHECK(
                text.find("cortex_ring_members{name=\"ingester\",state=\"ACTIVE\"} 1\n") !=
                std::string::npos
            );
            CHECK(
                text.find("cortex_ring_members{name=\"ingester\",state=\"Unhealthy\"} 1\n") !=
                std::string::npos
            );
            CHECK(
                text.find("cortex_ring_tokens_total{name=\"ingester\"} 32\n") != std::string::npos
            );
        }
        SUBCASE("forgetting removes an entry") {
            REQUIRE_OK(ring.forget("b"));
            CHECK(ring.view()->members().size() == 1);
            CHECK(ring.forget("b").error().kind == ErrorKind::not_found);
        }
    }
    TEST_CASE("what is seen first is fresh, unless it is older than clocks may differ") {
        World world;
        const auto put = [&](const std::string& id, std::chrono::milliseconds age) {
            const ring::Instance instance{
                .id = id, .state = InstanceState::active, .heartbeat = world.clock.now() - age
            };
            REQUIRE_OK(world.kv.compare_and_swap("collectors/ingester/" + id, 0, encode(instance)));
        };
        put("ahead", -90min);
        put("behind", 119s);
        put("dead", 121s);
        put("unknown", world.clock.now() - TimestampMs{0});
        const Ring ring("ingester", "collectors/", {}, {world.kv, {}, world.registry, world.clock});
        const auto members = ring.status().members;
        REQUIRE(members.size() == 4);
        CHECK(members[0].healthy);
        CHECK(members[1].healthy);
        CHECK_FALSE(members[2].healthy);
        CHECK(members[2].since_seen == 121s);
        CHECK_FALSE(members[3].healthy);
    }
    TEST_CASE("while the store is away members stay as healthy as they were") {
        World world;
        const Ring ring(
            "ingester", "collectors/", {}, {world.store, {}, world.registry, world.clock}
        );
        const auto a = world.process(world.options("a"));
        const auto b = world.process(world.options("b"));
        REQUIRE_OK(a->join());
        REQUIRE_OK(b->join());
        const auto healthy = [&] {
            std::string ids;
            for (const auto& member : ring.status().members) {
                if (member.healthy) ids += member.instance.id;
            }
            return ids;
        };
        world.clock.advance(40s);
        a->tick();
        world.clock.advance(40s);
        REQUIRE(healthy() == "a");
        world.store.tell_watcher(fail(ErrorKind::unavailable, "the store is away"));
        world.clock.advance(1h);
        CHECK(healthy() == "a");
        CHECK(ring.status().members[0].since_seen == 0ms);

        world.store.tell_watcher({});
        world.clock.advance(50s);
        CHECK(healthy() == "a");
        SUBCASE("and then have to show that they live") {
            world.clock.advance(20s);
            CHECK(healthy().empty());
        }
        SUBCASE("and go on from their next heartbeat") {
            b->tick();
            world.clock.advance(20s);
            CHECK(healthy() == "b");
        }
    }
    TEST_CASE("being alone is a problem where others are configured") {
        World world;
        const Ring ring(
            "ingester",
            "collectors/",
            {.own_instance_id = "a", .expects_peers = true},
            {world.kv, {}, world.registry, world.clock}
        );
        const auto a = world.process(world.options("a"));
        REQUIRE_OK(a->join());
        CHECK(ring.status().problem.find("only this instance, a, is in the ring") == 0);
        const auto b = world.process(world.options("b"));
        REQUIRE_OK(b->join());
        CHECK(ring.status().problem.empty());
    }
    TEST_CASE("an entry that can't be read is a problem, and what it said before holds") {
        World world;
        const Ring ring("ingester", "collectors/", {}, {world.kv, {}, world.registry, world.clock});
        const auto a = world.process(world.options("a"));
        REQUIRE_OK(a->join());
        const auto entry = *world.kv.get("collectors/ingester/a");
        REQUIRE_OK(world.kv.compare_and_swap("collectors/ingester/a", entry->version, "\xFF"));
        CHECK(ring.status().problem == "the entry of a can't be read");
        CHECK(ring.view()->members().size() == 1);
    }
    TEST_CASE("shards are kept per view") {
        World world;
        const Ring ring(
            "ingester",
            "collectors/",
            {.replication_factor = 1},
            {world.kv, {}, world.registry, world.clock}
        );
        std::vector<std::unique_ptr<Lifecycler>> all;
        for (const char* id : {"a", "b", "c", "d", "e", "f"}) {
            all.push_back(world.process(world.options(id)));
            REQUIRE_OK(all.back()->join());
            REQUIRE_OK(all.back()->change_state(InstanceState::active));
        }
        const auto shard = ring.write_shard("tenant", 2);
        CHECK(shard->members().size() == 2);
        CHECK(ring.write_shard("tenant", 2) == shard);
        CHECK(ring.write_shard("tenant", 0) == ring.view());
        CHECK(ring.write_shard("tenant", 6) == ring.view());
        CHECK(ring.read_shard("tenant", 2, 0ms) == ring.view());
        // All joined just now.
        CHECK(ring.read_shard("tenant", 2, 1h)->members().size() == 6);
        world.clock.advance(2h);
        CHECK(ring.read_shard("tenant", 2, 1h)->members().size() == 2);
        CHECK(ring.read_shard("tenant", 2, 3h)->members().size() == 6);
        REQUIRE_OK(all[0]->set_read_only(true));
        CHECK(ring.write_shard("tenant", 0)->members().size() == 5);
        CHECK(ring.write_shard("tenant", 2) != shard);
    }
}
