#include "ring/ring_view.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "ring_support.hpp"
#include "support/allocations.hpp"

using namespace mimir;
using namespace std::chrono_literals;
using ring::InstanceState;
using ring::Operation;
using ring::RingOptions;
using ring::RingView;
using test::member;
using test::TestRing;

namespace {

constexpr ring::SteadyTime kNow{};

std::string names(const RingView& view, const ring::ReplicationSet& set) {
    std::string text;
    for (std::size_t i = 0; i < set.count; ++i) {
        text += view.members()[set.members[i]].instance->id;
    }
    return text;
}
std::string writers(const RingView& view, std::uint32_t token) {
    return names(view, view.replicas(Token{token}, Operation::write, kNow));
}
std::string readers(const RingView& view, std::uint32_t token) {
    return names(view, view.replicas(Token{token}, Operation::read, kNow));
}

/// What replicas() must say, by sorting and walking: without zones.
std::string naive_owner(const std::vector<ring::Instance>& members, Token token) {
    std::vector<std::pair<Token, std::string>> all;
    for (const ring::Instance& instance : members) {
        for (const Token t : instance.tokens) all.emplace_back(t, instance.id);
    }
    std::ranges::sort(all);
    if (all.empty()) return {};
    for (const auto& [t, id] : all) {
        if (t > token) return id;
    }
    return all.front().second;
}

}  // namespace

TEST_SUITE("ring/view") {
    TEST_CASE("the owner has the first token that is greater, around the end") {
        TestRing ring(RingOptions{.replication_factor = 1});
        const auto view =
            ring.put({member("a", {100, 400}), member("b", {200}), member("c", {300})});
        CHECK(writers(*view, 0) == "a");
        CHECK(writers(*view, 99) == "a");
        CHECK(writers(*view, 100) == "b");
        CHECK(writers(*view, 299) == "c");
        CHECK(writers(*view, 300) == "a");
        CHECK(writers(*view, 400) == "a");
        CHECK(writers(*view, 0xFFFFFFFF) == "a");
    }
    TEST_CASE("replicas are the next distinct members") {
        TestRing ring(RingOptions{.replication_factor = 3});
        const auto view = ring.put(
            {member("a", {100, 110, 400}),
             member("b", {200}),
             member("c", {300}),
             member("d", {350})}
        );
        CHECK(writers(*view, 50) == "abc");
        CHECK(writers(*view, 105) == "abc");
        CHECK(writers(*view, 250) == "cda");
        CHECK(writers(*view, 400) == "abc");
    }
    TEST_CASE("two members with one token: the lower id owns it, whoever came first") {
        for (const bool reversed : {false, true}) {
            TestRing ring(RingOptions{.replication_factor = 1});
            ring.put({member(reversed ? "b" : "a", {100})});
            const auto view = ring.put({member(reversed ? "a" : "b", {100})});
            CHECK(writers(*view, 50) == "a");
            CHECK(view->ownership() == std::vector<double>{1, 0});
        }
    }
    TEST_CASE("the quorum counts who is not there") {
        TestRing ring(RingOptions{.replication_factor = 3});
        auto members = std::vector{member("a", {100}), member("b", {200}), member("c", {300})};
        SUBCASE("all healthy: one may fail") {
            const auto set = ring.put(members)->replicas(Token{0}, Operation::write, kNow);
            CHECK(set.count == 3);
            CHECK(set.needed == 2);
            CHECK(set.failures_max == 1);
        }
        SUBCASE("one is leaving: the next is not asked in its place") {
            members.push_back(member("d", {400}));
            members[1].state = InstanceState::leaving;
            const auto view = ring.put(members);
            CHECK(writers(*view, 0) == "ac");
            const auto set = view->replicas(Token{0}, Operation::write, kNow);
            CHECK(set.failures_max == 0);
            CHECK(set.has_quorum());
            CHECK(readers(*view, 0) == "abc");
        }
        SUBCASE("two are not healthy: no quorum") {
            members[1].state = InstanceState::joining;
            members[2].state = InstanceState::pending;
            CHECK_FALSE(ring.put(members)->replicas(Token{0}, Operation::write, kNow).has_quorum());
        }
        SUBCASE("fewer members than copies: two of the three must succeed, and two are there") {
            members.pop_back();
            const auto set = ring.put(members)->replicas(Token{0}, Operation::write, kNow);
            CHECK(set.count == 2);
            CHECK(set.needed == 2);
            CHECK(set.failures_max == 0);
            members.pop_back();
            ring.remove({"b"});
            CHECK_FALSE(ring.put(members)->replicas(Token{0}, Operation::write, kNow).has_quorum());
        }
        SUBCASE("nobody is there") {
            CHECK_FALSE(ring.put({})->replicas(Token{0}, Operation::write, kNow).has_quorum());
        }
        SUBCASE("reads look past a joining member, and ask a pending one too") {
            members.push_back(member("d", {400}));
            members[1].state = InstanceState::joining;
            CHECK(readers(*ring.put(members), 0) == "acd");
            members[1].state = InstanceState::pending;
            CHECK(readers(*ring.put(members), 0) == "abcd");
        }
    }
    TEST_CASE("read-only members get no writes, and others take their place") {
        TestRing ring(RingOptions{.replication_factor = 2});
        auto members = std::vector{member("a", {100}), member("b", {200}), member("c", {300})};
        members[0].read_only = true;
        const auto view = ring.put(members);
        CHECK(writers(*view, 0) == "bc");
        CHECK(readers(*view, 0) == "ab");
    }
    TEST_CASE("a member whose heartbeat is not seen is not healthy, in every view at once") {
        TestRing ring(RingOptions{.replication_factor = 1, .heartbeat_timeout = 60s});
        const auto seen = std::make_shared<std::atomic<ring::SteadyTime>>(kNow);
        const auto instance = std::make_shared<const ring::Instance>(member("a", {100}));
        const auto view = ring.builder.apply({.put = {{instance, seen}}});
        CHECK(view->is_healthy(0, Operation::write, kNow + 60s));
        CHECK_FALSE(view->is_healthy(0, Operation::write, kNow + 61s));
        CHECK_FALSE(view->replicas(Token{0}, Operation::write, kNow + 61s).has_quorum());
        seen->store(kNow + 30s);
        CHECK(view->replicas(Token{0}, Operation::write, kNow + 61s).has_quorum());
    }
    TEST_CASE("with zones, each has its share of the copies") {
        TestRing ring(RingOptions{.replication_factor = 3, .zone_awareness_enabled = true});
        auto members = std::vector{
            member("a", {100}, "x"),
            member("b", {200}, "x"),
            member("c", {300}, "y"),
            member("d", {400}, "z"),
            member("e", {500}, "z")
        };
        SUBCASE("one a zone where there are as many zones as copies") {
            const auto view = ring.put(members);
            CHECK(writers(*view, 0) == "acd");
            CHECK(writers(*view, 150) == "bcd");
            CHECK(writers(*view, 450) == "eac");
        }
        SUBCASE("two zones hold two of three copies, both needed") {
            members.resize(3);
            const auto set = ring.put(members)->replicas(Token{0}, Operation::write, kNow);
            CHECK(set.count == 2);
            CHECK(set.failures_max == 0);
        }
        SUBCASE("members of one zone are each other's replicas when there is but one") {
            for (auto& m : members) m.zone = "x";
            CHECK(writers(*ring.put(members), 0) == "abc");
        }
        SUBCASE(
            "a read-only zone makes no room for two copies in another: a query may miss that one"
        ) {
            members[2].read_only = members[3].read_only = members[4].read_only = true;
            const auto view = ring.put(members);
            const auto set = view->replicas(Token{0}, Operation::write, kNow);
            CHECK(set.count == 1);
            CHECK_FALSE(set.has_quorum());
            CHECK(view->subset({0, 1})->replicas(Token{0}, Operation::write, kNow).count == 1);
        }
        SUBCASE("excluded zones are not there") {
            TestRing without(RingOptions{
                .replication_factor = 2,
                .zone_awareness_enabled = true,
                .excluded_zones = {"y"},
            });
            const auto view = without.put(members);
            CHECK(writers(*view, 150) == "bd");
            CHECK(view->read_set(kNow)->members.size() == 4);
            CHECK(view->ownership()[2] == 0);
        }
    }
    TEST_CASE("reading everything, without zones: as many may be missing as copies to spare") {
        TestRing ring(RingOptions{.replication_factor = 3});
        auto members = std::vector{
            member("a", {100}), member("b", {200}), member("c", {300}), member("d", {400})
        };
        CHECK(ring.put(members)->read_set(kNow)->failures_max == 1);
        members[0].state = InstanceState::joining;
        const auto set = ring.put(members)->read_set(kNow);
        REQUIRE_OK(set);
        CHECK(set->members == std::vector<ring::MemberIndex>{1, 2, 3});
        CHECK(set->failures_max == 0);
        members[1].state = InstanceState::joining;
        const auto failed = ring.put(members)->read_set(kNow);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().kind == ErrorKind::unavailable);
        CHECK(
            failed.error().message ==
            "too many unhealthy instances in the ring: a (JOINING), b (JOINING); at most 1 may be"
        );
        CHECK_FALSE(ring.remove({"a", "b", "c", "d"})->read_set(kNow));
    }
    TEST_CASE("reading everything, with zones: one bad member spoils its zone") {
        TestRing ring(RingOptions{.replication_factor = 3, .zone_awareness_enabled = true});
        auto members = std::vector{
            member("a", {100}, "x"),
            member("b", {200}, "x"),
            member("c", {300}, "y"),
            member("d", {400}, "y"),
            member("e", {500}, "z"),
            member("f", {600}, "z")
        };
        auto set = ring.put(members)->read_set(kNow);
        CHECK(set->by_zone);
        CHECK(set->failed_zones_max == 1);
        CHECK(set->members.size() == 6);
        members[0].state = InstanceState::joining;
        set = ring.put(members)->read_set(kNow);
        CHECK(set->failed_zones_max == 0);
        CHECK(set->members == std::vector<ring::MemberIndex>{2, 3, 4, 5});
        members[1].state = InstanceState::joining;
        CHECK(ring.put(members)->read_set(kNow).has_value());
        members[2].state = InstanceState::joining;
        CHECK_FALSE(ring.put(members)->read_set(kNow).has_value());
    }
    TEST_CASE("a quorum of writes and any complete read have a member in common") {
        auto random = test::seeded_random();
        for (int round = 0; round < 300; ++round) {
            const std::size_t factor = 1 + random.below(7);
            const std::size_t zones = random.below(5);
            TestRing ring(
                RingOptions{.replication_factor = factor, .zone_awareness_enabled = zones > 0}
            );
            std::vector<ring::Instance> members;
            const std::size_t count = 1 + random.below(12);
            for (std::size_t i = 0; i < count; ++i) {
                auto one = member(std::to_string(i), {});
                if (zones > 0) one.zone = std::to_string(random.below(zones));
                for (int t = 0; t < 4; ++t) {
                    one.tokens.push_back(Token{static_cast<std::uint32_t>(random.next())});
                }
                std::ranges::sort(one.tokens);
                members.push_back(one);
            }
            // Written by a quorum while all were there; then some fail, and are missed or not.
            const auto before = ring.put(members);
            const Token token{static_cast<std::uint32_t>(random.next())};
            const auto set = before->replicas(token, Operation::write, kNow);
            if (!set.has_quorum()) continue;
            std::vector<ring::MemberIndex> written(
                set.members.begin(), set.members.begin() + set.count
            );
            for (std::size_t i = 0; i < set.failures_max; ++i) {
                written.erase(written.begin() + static_cast<long>(random.below(written.size())));
            }
            for (auto& one : members) {
                if (random.below(4) == 0) one.state = InstanceState::joining;
            }
            const auto after = ring.put(members);
            const auto read = after->read_set(kNow);
            if (!read) continue;
            std::vector<ring::MemberIndex> answered = read->members;
            if (read->by_zone) {
                for (std::size_t i = 0; i < read->failed_zones_max; ++i) {
                    const std::string zone = std::to_string(random.below(zones));
                    std::erase_if(answered, [&](ring::MemberIndex m) {
                        return after->members()[m].instance->zone == zone;
                    });
                }
            } else {
                for (std::size_t i = 0; i < read->failures_max; ++i) {
                    answered.erase(
                        answered.begin() + static_cast<long>(random.below(answered.size()))
                    );
                }
            }
            const bool common = std::ranges::any_of(written, [&](ring::MemberIndex m) {
                return std::ranges::find(answered, m) != answered.end();
            });
            CAPTURE(factor);
            CAPTURE(zones);
            CAPTURE(count);
            CHECK(common);
        }
    }
    TEST_CASE("views after random changes are those of a ring made at once") {
        auto random = test::seeded_random();
        TestRing ring(RingOptions{.replication_factor = 1});
        std::map<std::string, ring::Instance> members;
        for (int step = 0; step < 400; ++step) {
            const std::string id = std::to_string(random.below(30));
            std::shared_ptr<const RingView> view;
            if (random.below(3) == 0) {
                members.erase(id);
                view = ring.remove({id});
            } else {
                auto one = member(id, {});
                const std::size_t tokens = random.below(300);
                for (std::size_t t = 0; t < tokens; ++t) {
                    // Few bits, so that members share tokens.
                    const std::uint64_t bits = random.below(1 << 12) << 20 | (t % 2 == 0 ? 7 : 0);
                    one.tokens.push_back(Token{static_cast<std::uint32_t>(bits)});
                }
                std::ranges::sort(one.tokens);
                one.tokens.erase(std::ranges::unique(one.tokens).begin(), one.tokens.end());
                members[id] = one;
                view = ring.put({one});
            }
            std::vector<ring::Instance> all;
            for (const auto& [name, instance] : members) all.push_back(instance);
            for (int i = 0; i < 20; ++i) {
                const Token token{static_cast<std::uint32_t>(random.next())};
                CHECK(writers(*view, static_cast<std::uint32_t>(token)) == naive_owner(all, token));
            }
        }
    }
    TEST_CASE("a change costs what changed, and a look-up allocates nothing") {
        auto random = test::seeded_random();
        TestRing ring(RingOptions{.replication_factor = 3, .zone_awareness_enabled = true});
        const auto random_member = [&](int i) {
            auto one = member("ingester-" + std::to_string(i), {}, std::string(1, "abc"[i % 3]));
            for (int t = 0; t < 512; ++t) {
                one.tokens.push_back(Token{static_cast<std::uint32_t>(random.next())});
            }
            std::ranges::sort(one.tokens);
            return one;
        };
        std::size_t rebuilt = 0;
        std::shared_ptr<const RingView> view;
        for (int i = 0; i < 300; ++i) {
            view = ring.put({random_member(i)});
            if (ring.builder.cost().rebuilt) ++rebuilt;
            CHECK(ring.builder.cost().buckets <= 512);
            // At most four times the usual 32 a bucket on average, some more by chance.
            CHECK(ring.builder.cost().entries <= 512 * 160);
        }
        CHECK(rebuilt <= 10);
        const std::size_t before = test::allocations();
        std::size_t members = 0;
        for (int i = 0; i < 10'000; ++i) {
            const Token token{static_cast<std::uint32_t>(random.next())};
            members += view->replicas(token, Operation::write, kNow).count;
            members += view->replicas(token, Operation::read, kNow).count;
        }
        CHECK(test::allocations() == before);
        CHECK(members == 60'000);
        // No token changes: the table stays.
        auto one = *view->members()[7].instance;
        one.state = InstanceState::leaving;
        ring.put({one});
        CHECK(ring.builder.cost().entries == 0);
        ring.remove({"ingester-8"});
        CHECK(ring.builder.cost().buckets <= 512);
        CHECK_FALSE(ring.builder.cost().rebuilt);
    }
}
