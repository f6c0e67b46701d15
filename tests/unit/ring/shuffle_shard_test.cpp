#include "ring/detail/shuffle_shard.hpp"

#include <algorithm>
#include <set>

#include "ring_support.hpp"

using namespace mimir;
using ring::RingOptions;
using ring::detail::ShardRequest;
using ring::detail::shuffle_shard;
using ring::detail::TableView;
using test::member;
using test::TestRing;

namespace {

using Ids = std::set<std::string>;

Ids shard(const TableView& view, const ShardRequest& request) {
    Ids ids;
    for (const ring::MemberIndex i : shuffle_shard(view, request).members) {
        ids.insert(view.members()[i].instance->id);
    }
    return ids;
}

Ids without(Ids from, const Ids& what) {
    for (const std::string& id : what) from.erase(id);
    return from;
}

ring::Instance random_member(int i, std::size_t zones, Random& random) {
    auto one = member(std::to_string(i), {}, std::to_string(random.below(zones)));
    for (int t = 0; t < 32; ++t) {
        one.tokens.push_back(Token{static_cast<std::uint32_t>(random.next())});
    }
    std::ranges::sort(one.tokens);
    return one;
}

}  // namespace

TEST_SUITE("ring/shuffle_shard") {
    TEST_CASE("a tenant's members never change unless the ring or the size does") {
        TestRing ring(RingOptions{.replication_factor = 3});
        std::vector<ring::Instance> members;
        for (std::uint32_t i = 0; i < 10; ++i) {
            members.push_back(
                member(std::string(1, static_cast<char>('a' + i)), {i * 400'000'000 + 1})
            );
        }
        const auto view = ring.put(members);
        // Written down, so that no release changes it by mistake.
        CHECK(shard(*view, {.tenant = "tenant-1", .size = 3}) == Ids{"a", "b", "e"});
        CHECK(shard(*view, {.tenant = "tenant-2", .size = 3}) == Ids{"b", "d", "e"});
    }
    TEST_CASE("one more in size adds at most one a zone, and takes none away") {
        auto random = test::seeded_random();
        for (int round = 0; round < 50; ++round) {
            const std::size_t zones = 1 + random.below(3);
            TestRing ring(RingOptions{.zone_awareness_enabled = true});
            std::vector<ring::Instance> members;
            for (int i = 0; i < 20; ++i) members.push_back(random_member(i, zones, random));
            const auto view = ring.put(members);
            const std::string tenant = std::to_string(round);
            const std::size_t zone_count = view->zone_count();
            for (std::size_t size = 1; size < 22; ++size) {
                const Ids smaller = shard(*view, {.tenant = tenant, .size = size});
                const Ids larger = shard(*view, {.tenant = tenant, .size = size + 1});
                CHECK(without(smaller, larger).empty());
                CHECK(larger.size() <= smaller.size() + zone_count);
                CHECK(smaller.size() <= (size + zone_count - 1) / zone_count * zone_count);
            }
        }
    }
    TEST_CASE("one more member in the ring takes the place of at most one") {
        auto random = test::seeded_random();
        for (int round = 0; round < 200; ++round) {
            TestRing ring(RingOptions{.zone_awareness_enabled = true});
            std::vector<ring::Instance> members;
            for (int i = 0; i < 15; ++i) members.push_back(random_member(i, 3, random));
            for (std::size_t zone = 0; zone < 3; ++zone) members[zone].zone = std::to_string(zone);
            const ShardRequest request{.tenant = "tenant", .size = 1 + random.below(12)};
            const Ids before = shard(*ring.put(members), request);
            const Ids after = shard(*ring.put({random_member(99, 3, random)}), request);
            CHECK(without(before, after).size() <= 1);
            CHECK(without(after, before).size() <= 1);
            CHECK(shard(*ring.remove({"99"}), request) == before);
        }
    }
    TEST_CASE("reads look back at everyone who was written to") {
        auto random = test::seeded_random();
        for (int round = 0; round < 100; ++round) {
            TestRing ring(RingOptions{.zone_awareness_enabled = true});
            std::vector<ring::Instance> members;
            for (int i = 0; i < 9; ++i) members.push_back(random_member(i, 3, random));
            auto view = ring.put(members);
            const std::string tenant = std::to_string(round);
            const std::size_t size = 1 + random.below(10);
            Ids written = shard(*view, {.tenant = tenant, .size = size});
            for (std::int64_t now = 1000; now < 1008; ++now) {
                if (random.below(2) == 0) {
                    auto one = random_member(static_cast<int>(now), 3, random);
                    one.registered = {now};
                    members.push_back(one);
                } else {
                    auto& one = members[random.below(members.size())];
                    one.read_only = !one.read_only;
                    one.read_only_updated = {now};
                }
                view = ring.put(members);
                const Ids writes = shard(*view, {.tenant = tenant, .size = size});
                written.insert(writes.begin(), writes.end());
                const Ids reads =
                    shard(*view, {.tenant = tenant, .size = size, .since = TimestampMs{1000}});
                CHECK(without(written, reads).empty());
            }
            // Long after: those who only had taken part no longer do, unless read-only.
            const Ids later =
                shard(*view, {.tenant = tenant, .size = size, .since = TimestampMs{5000}});
            CHECK(without(shard(*view, {.tenant = tenant, .size = size}), later).empty());
        }
    }
    TEST_CASE("it says until when it holds") {
        TestRing ring;
        auto members = std::vector{member("a", {100}), member("b", {200}), member("c", {300})};
        members[0].registered = {5000};
        members[1].registered = {2000};
        const auto view = ring.put(members);
        CHECK(
            shuffle_shard(*view, {.tenant = "t", .size = 1, .since = TimestampMs{3000}})
                .since_max == TimestampMs{5000}
        );
        CHECK(
            shuffle_shard(*view, {.tenant = "t", .size = 1, .since = TimestampMs{1000}})
                .since_max == TimestampMs{2000}
        );
        CHECK(shuffle_shard(*view, {.tenant = "t", .size = 1}).since_max == TimestampMs::max());
    }
}
