#include "rpc/gather.hpp"

#include <map>
#include <set>
#include <thread>

#include "unit/ring/ring_support.hpp"

namespace mimir::rpc {
namespace {

using namespace std::chrono_literals;
using mimir::test::member;
using mimir::test::TestRing;
using Answer = std::shared_ptr<int>;

constexpr GatherOptions kNoHedging{.hedging_delay = 0ms};

/// Members of a ring that answer with their position, or do what a test says.
struct Members {
    enum class Does { answers, fails, refuses, is_late, says_nothing };

    /// In as many zones as groups, one after the other.
    static GatherPlan plan(std::size_t count, std::size_t groups, std::size_t needed) {
        GatherPlan plan{.groups = groups, .groups_needed = needed};
        for (std::size_t i = 0; i < count; ++i) {
            plan.members.push_back({"ingester-" + std::to_string(i), i % groups});
        }
        return plan;
    }
    static GatherPlan plan(std::size_t count, std::size_t failures_max) {
        return plan(count, count, count - failures_max);
    }

    Result<std::vector<Gathered<Answer>>> gather(GatherPlan plan, GatherOptions options = {}) {
        does.resize(plan.members.size());
        const auto call = [&](std::size_t at, const RequestContext& own, Done<Answer> done) {
            asked.push_back(at);
            tokens[at] = own.cancellation;
            switch (does[at]) {
                case Does::answers: return done(std::make_shared<int>(static_cast<int>(at)));
                case Does::fails: return done(fail(ErrorKind::unavailable, "connection refused"));
                case Does::is_late: return done(fail(ErrorKind::timeout, "too late"));
                case Does::refuses:
                    return done(fail_with_id(ErrorKind::limit, "max-x", "too much"));
                case Does::says_nothing: silent[at] = std::move(done);
            }
        };
        return rpc::gather<Answer>(std::move(plan), context, options, random, call);
    }
    static std::vector<std::size_t> who(const Result<std::vector<Gathered<Answer>>>& gathered) {
        REQUIRE_OK(gathered);
        std::vector<std::size_t> members;
        for (const auto& [member, answer] : *gathered) {
            CHECK(*answer == static_cast<int>(member));
            members.push_back(member);
        }
        return members;
    }

    std::vector<Does> does;
    std::vector<std::size_t> asked;
    std::map<std::size_t, CancellationToken> tokens;
    std::map<std::size_t, Done<Answer>> silent;
    SeededRandom random{mimir::test::seeded_random()};
    RequestContext context{
        .cancellation =
            CancellationToken::create(std::chrono::steady_clock::now() + std::chrono::minutes(1))
    };
};

using Does = Members::Does;

TEST_SUITE_BEGIN("rpc/gather");

TEST_CASE("only a quorum is asked, and all of it answers") {
    Members members;
    const auto gathered = members.gather(Members::plan(5, 1));
    CHECK(Members::who(gathered).size() == 4);
    CHECK(members.asked.size() == 4);
    for (const auto& [member, token] : members.tokens) CHECK_FALSE(token.canceled());
}

TEST_CASE("who is left out changes from call to call") {
    std::set<std::size_t> left_out;
    SeededRandom random(3);
    for (int i = 0; i < 100; ++i) {
        Members members;
        members.random = SeededRandom(random.next());
        const auto who = Members::who(members.gather(Members::plan(3, 1)));
        for (std::size_t at = 0; at < 3; ++at) {
            if (std::ranges::find(who, at) == who.end()) left_out.insert(at);
        }
    }
    CHECK(left_out.size() == 3);
}

TEST_CASE("without minimizing all are asked, and the first that make a quorum count") {
    Members members;
    members.does = {Does::says_nothing, Does::answers, Does::answers};
    const auto gathered = members.gather(Members::plan(3, 1), {.minimize_requests = false});
    CHECK(Members::who(gathered) == std::vector<std::size_t>{1, 2});
    CHECK(members.asked.size() == 3);
}

TEST_CASE("another is asked at once when one fails") {
    Members members;
    members.does = {Does::fails, Does::answers, Does::answers};
    const auto gathered = members.gather(Members::plan(3, 1), kNoHedging);
    CHECK(Members::who(gathered) == std::vector<std::size_t>{1, 2});
}

TEST_CASE("another is asked when one is slow, whose call is then canceled and its answer dropped") {
    Members members;
    members.does = {Does::says_nothing, Does::answers, Does::answers};
    // The local one is asked in any case.
    GatherPlan plan = Members::plan(3, 1);
    plan.members[0].is_local = true;
    const auto gathered = members.gather(plan, {.hedging_delay = 1ms});
    CHECK(Members::who(gathered) == std::vector<std::size_t>{1, 2});
    REQUIRE(members.silent.size() == 1);
    CHECK(members.tokens[0].canceled());
    CHECK_FALSE(members.tokens[1].canceled());
    CHECK_FALSE(members.tokens[2].canceled());

    auto late = std::make_shared<int>(0);
    const std::weak_ptr<int> dropped = late;
    members.silent[0](std::move(late));
    CHECK(dropped.expired());
}

TEST_CASE("hedging goes on until all are asked") {
    Members members;
    members.does = {Does::says_nothing, Does::says_nothing, Does::says_nothing, Does::says_nothing};
    GatherPlan plan = Members::plan(4, 4, 1);
    for (std::size_t i = 0; i < 3; ++i) plan.members[i].is_local = true;  // asked first
    members.does.back() = Does::answers;
    CHECK(
        Members::who(members.gather(plan, {.hedging_delay = 1ms})) == std::vector<std::size_t>{3}
    );
    CHECK(members.asked.size() == 4);
}

TEST_CASE("a local member is asked in any case, after the remote ones") {
    for (int i = 0; i < 20; ++i) {
        Members members;
        members.random = SeededRandom(static_cast<std::uint64_t>(i));
        GatherPlan plan = Members::plan(5, 2);
        plan.members[2].is_local = true;
        REQUIRE_OK(members.gather(plan));
        REQUIRE(members.asked.size() == 3);
        CHECK(members.asked.back() == 2);
    }
}

TEST_CASE("answers may come from another thread") {
    Members members;
    std::vector<std::jthread> threads;
    const auto call = [&](std::size_t at, const RequestContext&, Done<Answer> done) {
        threads.emplace_back([at, done] { done(std::make_shared<int>(static_cast<int>(at))); });
    };
    const auto gathered =
        gather<Answer>(Members::plan(9, 0), members.context, {}, members.random, call);
    CHECK(Members::who(gathered).size() == 9);
}

TEST_CASE("when too many fail the error names them and why") {
    Members members;
    members.does = {Does::fails, Does::answers, Does::is_late};
    const auto gathered = members.gather(Members::plan(3, 1));
    REQUIRE_FALSE(gathered.has_value());
    CHECK(gathered.error().kind == ErrorKind::unavailable);
    CHECK(gathered.error().message.find("ingester-0: connection refused") != std::string::npos);
    CHECK(gathered.error().message.find("ingester-2: too late") != std::string::npos);
    CHECK(gathered.error().message.find("ingester-1") == std::string::npos);
}

TEST_CASE("when all that fail are late it is a timeout") {
    Members members;
    members.does = {Does::is_late, Does::answers, Does::is_late};
    CHECK(members.gather(Members::plan(3, 1)).error().kind == ErrorKind::timeout);
}

TEST_CASE("what is wrong with the request itself is told as it is") {
    Members members;
    members.does = {Does::refuses, Does::says_nothing, Does::says_nothing};
    const auto gathered =
        members.gather(Members::plan(3, 1), {.minimize_requests = false, .hedging_delay = 0ms});
    REQUIRE_FALSE(gathered.has_value());
    CHECK(gathered.error().kind == ErrorKind::limit);
    CHECK(gathered.error().id == "max-x");
    CHECK(gathered.error().message == "too much");
    for (const auto& [member, token] : members.tokens) CHECK(token.canceled());
}

TEST_CASE("a deadline that passes, and a cancellation, end the waiting") {
    Members members;
    members.does = {Does::says_nothing, Does::says_nothing};
    ErrorKind expected{};
    std::jthread canceling;
    SUBCASE("deadline") {
        members.context.cancellation =
            CancellationToken::create(std::chrono::steady_clock::now() + 5ms);
        expected = ErrorKind::timeout;
    }
    SUBCASE("cancellation before") {
        members.context.cancellation.cancel();
        expected = ErrorKind::canceled;
    }
    SUBCASE("cancellation while it waits") {
        canceling =
            std::jthread([token = members.context.cancellation]() mutable { token.cancel(); });
        expected = ErrorKind::canceled;
    }
    CHECK(members.gather(Members::plan(2, 0)).error().kind == expected);
    for (const auto& [member, token] : members.tokens) CHECK(token.canceled());
}

TEST_CASE("with zones, all members of enough zones must answer") {
    // Zone 0 has members 0 and 3, zone 1 has 1 and 4, zone 2 has 2 and 5.
    Members members;
    const GatherPlan plan = Members::plan(6, 3, 2);
    SUBCASE("two zones are asked") {
        CHECK(Members::who(members.gather(plan)).size() == 4);
        CHECK(members.asked.size() == 4);
    }
    SUBCASE("members of one zone may fail") {
        members.does = {
            Does::answers, Does::fails, Does::answers, Does::answers, Does::fails, Does::answers
        };
        CHECK(Members::who(members.gather(plan)) == std::vector<std::size_t>{0, 2, 3, 5});
    }
    SUBCASE("a zone counts only when it is whole") {
        members.does = {
            Does::answers,
            Does::answers,
            Does::answers,
            Does::answers,
            Does::says_nothing,
            Does::answers
        };
        const auto gathered = members.gather(plan, {.minimize_requests = false});
        CHECK(Members::who(gathered) == std::vector<std::size_t>{0, 2, 3, 5});
    }
    SUBCASE("one member of each of two zones is too many") {
        members.does = {
            Does::answers, Does::fails, Does::answers, Does::answers, Does::answers, Does::fails
        };
        const auto gathered = members.gather(plan);
        REQUIRE_FALSE(gathered.has_value());
        CHECK(gathered.error().kind == ErrorKind::unavailable);
    }
}

TEST_CASE("the plan follows the ring's read set") {
    const auto is_b = [](const ring::Instance& instance) { return instance.id == "b"; };
    SUBCASE("without zones each member stands alone") {
        TestRing ring({.replication_factor = 3});
        const auto view = ring.put({member("a", {1}), member("b", {2}), member("c", {3})});
        const auto set = view->read_set({});
        REQUIRE_OK(set);
        const GatherPlan plan = GatherPlan::of(*view, *set, is_b);
        REQUIRE(plan.members.size() == 3);
        CHECK(plan.groups == 3);
        CHECK(plan.groups_needed == 2);
        CHECK(plan.members[1].name == "b");
        CHECK(plan.members[1].is_local);
        CHECK_FALSE(plan.members[0].is_local);
    }
    SUBCASE("with zones a zone's members stand together") {
        TestRing ring({.replication_factor = 3, .zone_awareness_enabled = true});
        const auto view = ring.put(
            {member("a", {1}, "x"),
             member("b", {2}, "y"),
             member("c", {3}, "z"),
             member("d", {4}, "x")}
        );
        const auto set = view->read_set({});
        REQUIRE_OK(set);
        const GatherPlan plan = GatherPlan::of(*view, *set, is_b);
        CHECK(plan.groups == 3);
        CHECK(plan.groups_needed == 2);
        CHECK(plan.members[0].group == plan.members[3].group);
        CHECK(plan.members[0].group != plan.members[1].group);
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::rpc
