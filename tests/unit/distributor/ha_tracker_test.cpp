#include "components/distributor/ha_tracker.hpp"

#include <nlohmann/json.hpp>

#include "components/distributor/distributor.hpp"
#include "components/distributor/ha_tracker_page.hpp"
#include "kv/inmemory.hpp"
#include "rpc/done.hpp"
#include "support/test_support.hpp"
#include "unit/distributor/cluster.hpp"

namespace mimir::distributor {
namespace {

using namespace std::chrono_literals;

constexpr TimestampMs kNow{1'700'000'000'000};

/// A store that can be cut off.
class FaultyStore final : public kv::KvStore {
  public:
    explicit FaultyStore(const Clock& clock) : store_(clock) {}

    using KvStore::compare_and_swap;
    Result<std::optional<kv::Entry>> get(std::string_view key) override {
        MIMIR_TRY(state());
        return store_.get(key);
    }
    Result<std::vector<kv::Entry>> list(std::string_view prefix) override {
        MIMIR_TRY(state());
        return store_.list(prefix);
    }
    Result<std::uint64_t> compare_and_swap(
        std::string_view key, std::uint64_t expected, std::string value, WriteOptions options
    ) override {
        MIMIR_TRY(state());
        ++writes;
        return store_.compare_and_swap(key, expected, std::move(value), options);
    }
    Result<void> remove(std::string_view key, std::uint64_t expected) override {
        MIMIR_TRY(state());
        return store_.remove(key, expected);
    }
    std::unique_ptr<Watch> watch(std::string prefix, kv::Watcher& watcher) override {
        return store_.watch(std::move(prefix), watcher);
    }
    [[nodiscard]] std::string describe() const override { return "faulty"; }

    bool down = false;
    int writes = 0;

  private:
    Result<void> state() const {
        if (down) return fail(ErrorKind::unavailable, "cut off");
        return {};
    }
    kv::InMemoryKvStore store_;
};

struct Fixture {
    /// What a distributor has of its own.
    struct Node {
        explicit Node(Fixture& f)
            : metrics(scope),
              random(mimir::test::seeded_random()),
              tracker("collectors/", {f.store, f.limits, metrics, random, {}, f.clock}) {}
        telemetry::Registry registry;
        telemetry::MetricScope scope{registry};
        HaTrackerMetrics metrics;
        SeededRandom random;
        HaTracker tracker;
    };
    Result<void> check(Node& node, std::string_view replica, std::string_view cluster = "c") {
        return node.tracker.check(tenant, cluster, replica);
    }
    bool taken(Node& node, std::string_view replica) { return check(node, replica).has_value(); }
    /// Seconds go by in which these replicas send to these nodes.
    void pass(std::chrono::seconds time, std::vector<std::pair<Node*, std::string>> sending) {
        for (auto passed = 0s; passed < time; passed += 1s) {
            clock.advance(1s);
            for (auto& [node, replica] : sending) static_cast<void>(check(*node, replica));
            a.tracker.tick();
            b.tracker.tick();
        }
    }
    ElectedReplica stored() {
        const auto entry = store.get("collectors/ha-tracker/t/c");
        REQUIRE_OK(entry);
        REQUIRE(entry->has_value());
        return *decode_elected_replica((*entry)->value);
    }

    config::LimitsProvider limits{config::Limits{.accept_ha_samples = true, .ha_max_clusters = 2}};
    mimir::test::ManualClock clock{kNow};
    FaultyStore store{clock};
    model::TenantId tenant = *model::TenantId::parse("t");
    Node a{*this};
    Node b{*this};
};

TEST_SUITE_BEGIN("distributor/ha_tracker");

TEST_CASE("the first replica that is seen is elected, for all distributors") {
    Fixture f;
    CHECK(f.taken(f.a, "one"));
    CHECK_FALSE(f.taken(f.a, "two"));
    CHECK_FALSE(f.taken(f.b, "two"));
    CHECK(f.taken(f.b, "one"));
    const auto other = f.check(f.b, "two");
    CHECK(other.error().id == HaTracker::kNotElected);
    CHECK(
        other.error().message ==
        "replicas did not match, rejecting sample: replica=two, elected=one"
    );
    CHECK(f.stored() == ElectedReplica{"one", kNow, {}, kNow, 0});
}

TEST_CASE("an election that others held is found by the watch") {
    Fixture f;
    const ElectedReplica elected{"one", kNow, {}, kNow, 0};
    REQUIRE_OK(
        f.store.compare_and_swap("collectors/ha-tracker/t/c", kv::kAbsent, encode(elected), {})
    );
    CHECK_FALSE(f.taken(f.a, "two"));
    CHECK(f.taken(f.a, "one"));
}

TEST_CASE("pushes of known clusters do not touch the store") {
    Fixture f;
    CHECK(f.taken(f.a, "one"));
    const int writes = f.store.writes;
    f.store.down = true;
    for (int i = 0; i < 10; ++i) {
        CHECK(f.taken(f.a, "one"));
        CHECK_FALSE(f.taken(f.a, "two"));
    }
    CHECK(f.store.writes == writes);
    CHECK(f.check(f.a, "one", "unknown").error().kind == ErrorKind::unavailable);
}

TEST_CASE("the store is told now and then that the elected replica lives") {
    Fixture f;
    CHECK(f.taken(f.a, "one"));
    const int writes = f.store.writes;
    f.pass(100s, {{&f.a, "one"}, {&f.b, "one"}});
    CHECK(f.store.writes - writes >= 4);
    CHECK(f.store.writes - writes <= 10);
    CHECK(f.clock.now() - f.stored().received_at <= 21s);
}

TEST_CASE("when the elected replica is silent, the other is elected") {
    Fixture f;
    CHECK(f.taken(f.a, "one"));
    f.pass(60s, {{&f.a, "one"}, {&f.b, "two"}});
    CHECK_FALSE(f.taken(f.b, "two"));
    f.pass(8s, {{&f.b, "two"}});  // the store's time may be 21 s old
    CHECK_FALSE(f.taken(f.b, "two"));
    f.pass(24s, {{&f.b, "two"}});
    CHECK(f.taken(f.b, "two"));
    CHECK_FALSE(f.taken(f.a, "one"));
    CHECK(f.stored().replica == "two");
    CHECK(f.stored().elected_changes == 1);
    CHECK(f.stored().elected_at > kNow);
    f.pass(60s, {{&f.a, "one"}, {&f.b, "two"}});
    CHECK(f.stored().replica == "two");
    CHECK(
        telemetry::expose(f.a.registry.collect())
            .find("cortex_ha_tracker_elected_replica_changes_total{user=\"t\",cluster=\"c\"} 1\n"
            ) != std::string::npos
    );
}

TEST_CASE("a replica that was last seen long ago is not failed over to") {
    Fixture f;
    CHECK(f.taken(f.a, "one"));
    CHECK_FALSE(f.taken(f.a, "two"));
    f.pass(300s, {});
    CHECK(f.stored().replica == "one");
}

TEST_CASE("a tenant has no more clusters than it may") {
    Fixture f;
    REQUIRE_OK(f.check(f.a, "one", "x"));
    REQUIRE_OK(f.check(f.a, "one", "y"));
    const auto third = f.check(f.b, "one", "z");
    CHECK(third.error().id == HaTracker::kTooManyClusters);
    CHECK(third.error().kind == ErrorKind::limit);
    REQUIRE_OK(f.check(f.b, "one", "y"));
}

TEST_CASE("idle clusters are marked, then removed; one that comes back is elected anew") {
    Fixture f;
    REQUIRE_OK(f.check(f.a, "one"));
    REQUIRE_OK(f.check(f.a, "one", "other"));
    f.clock.advance(29min);
    f.a.tracker.clean_up();
    CHECK(f.stored().deleted_at.ms == 0);
    f.clock.advance(1min);
    f.a.tracker.clean_up();
    CHECK(f.stored().deleted_at == f.clock.now());
    CHECK(f.a.tracker.status().empty());
    CHECK(f.taken(f.b, "two"));
    CHECK(f.stored().replica == "two");
    CHECK(f.stored().deleted_at.ms == 0);
    f.clock.advance(30min);
    f.b.tracker.clean_up();  // removes "other", marks "c"
    CHECK(f.store.list("")->size() == 1);
    f.clock.advance(30min);
    f.a.tracker.clean_up();
    CHECK(f.store.list("")->empty());
    REQUIRE_OK(f.check(f.a, "one", "new"));
}

TEST_CASE("a tracker that starts knows what others elected") {
    Fixture f;
    CHECK(f.taken(f.a, "one"));
    Fixture::Node c(f);
    CHECK(c.tracker.status().size() == 1);
    CHECK_FALSE(f.taken(c, "two"));
}

TEST_CASE("what can't be read is left alone") {
    Fixture f;
    REQUIRE_OK(f.store.compare_and_swap("collectors/ha-tracker/t/c", kv::kAbsent, "\x0a\xff", {}));
    CHECK(f.check(f.a, "one").error().kind == ErrorKind::corrupt);
}

TEST_CASE("the page escapes what senders choose, and programs get JSON") {
    Fixture f;
    REQUIRE_OK(f.check(f.a, "<one>"));
    const auto status = f.a.tracker.status();
    const std::string page = ha_tracker_page(status, true, f.clock.now());
    CHECK(page.find("<td>&lt;one&gt;</td>") != std::string::npos);
    CHECK(page.find("<one>") == std::string::npos);
    const auto json = nlohmann::json::parse(ha_tracker_json(status, f.clock.now()));
    CHECK(json["elected"][0]["userID"] == "t");
    CHECK(json["elected"][0]["replica"] == "<one>");
    CHECK(json["elected"][0]["failoverTime"] == "30s");
}

TEST_CASE("a push loses its replica label when it is elected, and is dropped when it is not") {
    Fixture f;
    telemetry::Registry registry;
    telemetry::MetricScope scope(registry);
    Metrics metrics(scope);
    test::TestDirectory directory;
    const auto view = std::make_shared<test::TestView>(ring::RingOptions{.replication_factor = 1});
    view->add("one");
    auto& ingester = directory.ingesters["one"];
    Distributor distributor(
        {},
        {f.limits,
         [&](std::string_view, std::size_t) { return view; },
         directory,
         metrics,
         {},
         &f.a.tracker,
         f.clock}
    );
    const rpc::RequestContext context{.tenant = f.tenant};
    const auto push = [&](std::vector<std::string> series) {
        auto request = std::make_shared<model::WriteRequest>();
        for (const auto& one : series) {
            request->add(mimir::test::labels(one), {f.clock.now(), 1});
        }
        return rpc::wait_for<void>([&](rpc::Done<void> done) {
            distributor.push(context, request, std::move(done));
        });
    };
    REQUIRE_OK(push({"up{__replica__=\"one\",cluster=\"c\",x=\"1\"}", "up{cluster=\"c\",x=\"2\"}"})
    );
    CHECK(
        ingester.sent() ==
        std::multiset<std::string>{"up{cluster=\"c\", x=\"1\"}", "up{cluster=\"c\", x=\"2\"}"}
    );
    CHECK(push({"up{__replica__=\"two\",cluster=\"c\"}"}).error().id == HaTracker::kNotElected);
    CHECK(ingester.pushes == 1);
    REQUIRE_OK(push({"up{cluster=\"c\"}"}));
    const std::string text = telemetry::expose(registry.collect());
    for (const char* line : {
             "cortex_distributor_deduped_samples_total{user=\"t\",cluster=\"c\"} 1\n",
             "cortex_distributor_non_ha_samples_received_total{user=\"t\"} 1\n",
         }) {
        CHECK_MESSAGE(text.find(line) != std::string::npos, line);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::distributor
