#include "components/query_scheduler/queue.hpp"

#include <set>

#include "support/test_support.hpp"

namespace mimir::query_scheduler {
namespace {

using namespace std::chrono_literals;

/// A queue, and those who ask and offer, without threads.
struct World {
    telemetry::Registry registry;
    telemetry::MetricScope scope{registry};
    Metrics metrics{scope};
    TimePoint now{1h};
    Queue queue{{}, metrics, now};
    std::uint64_t tickets = 0;
    TenantLimits limits;

    Result<Queue::Acquired> acquire(std::string_view tenant, const CancellationToken& token = {}) {
        return queue.acquire(tenant, token, limits, now);
    }
    Queue::RequestPtr wait(std::string_view tenant, const CancellationToken& token = {}) {
        auto acquired = acquire(tenant, token);
        REQUIRE_OK(acquired);
        REQUIRE(std::holds_alternative<Queue::RequestPtr>(*acquired));
        return std::get<Queue::RequestPtr>(*acquired);
    }
    /// The ticket that the tenant gets at once; 0 when it has to wait, which it then does not.
    std::uint64_t take(std::string_view tenant) {
        auto acquired = acquire(tenant);
        REQUIRE_OK(acquired);
        if (const auto* assigned = std::get_if<rpc::Assignment>(&*acquired))
            return assigned->ticket;
        queue.withdraw(*std::get<Queue::RequestPtr>(*acquired), now);
        return 0;
    }
    Queue::OfferPtr offer(
        const std::string& querier = "q1",
        std::uint64_t ended = 0,
        const CancellationToken& token = {}
    ) {
        auto offered = queue.offer(
            {.querier_id = querier,
             .address = querier + ":1",
             .ticket = ++tickets,
             .ended_ticket = ended},
            token,
            now
        );
        REQUIRE_OK(offered);
        return *offered;
    }
    void offers(int count, const std::string& querier = "q1") {
        for (int i = 0; i < count; ++i) offer(querier);
    }
    void advance(std::chrono::milliseconds by) {
        now += by;
        queue.tick(now);
    }
    [[nodiscard]] std::string exposed() const { return telemetry::expose(registry.collect()); }
    [[nodiscard]] bool exposes(std::string_view line) const {
        return exposed().find("\n" + std::string(line) + "\n") != std::string::npos;
    }
};

std::uint64_t ticket_of(const Queue::RequestPtr& request) {
    if (!request->outcome || !*request->outcome) return 0;
    return (**request->outcome).ticket;
}

ErrorKind kind_of(const Queue::RequestPtr& request) {
    REQUIRE(request->outcome);
    REQUIRE(!*request->outcome);
    return request->outcome->error().kind;
}

TEST_SUITE("query_scheduler/queue") {
    TEST_CASE("an open slot is given at once, the longest open one first") {
        World world;
        const auto first = world.offer();
        const auto second = world.offer();
        CHECK(world.take("a") == 1);
        REQUIRE(first->outcome);
        CHECK(first->outcome->has_value());
        CHECK(!second->outcome);
        CHECK(world.take("a") == 2);
        CHECK(world.take("a") == 0);
    }

    TEST_CASE("queries of a tenant that wait get slots in their order") {
        World world;
        const auto first = world.wait("a");
        const auto second = world.wait("a");
        CHECK(world.exposes("cortex_query_scheduler_queue_length{user=\"a\"} 2"));
        world.offer();
        CHECK(ticket_of(first) == 1);
        CHECK(ticket_of(second) == 0);
        world.offer();
        CHECK(ticket_of(second) == 2);
        CHECK((**second->outcome).address == "q1:1");
        CHECK(world.exposes("cortex_query_scheduler_queue_length{user=\"a\"} 0"));
        CHECK(world.exposes("cortex_query_scheduler_inflight_requests 2"));
        CHECK(world.exposes("cortex_query_scheduler_queue_duration_seconds_count 2"));
        CHECK(world.exposes("cortex_query_scheduler_connected_querier_clients 1"));
    }

    TEST_CASE("one more than the tenant may have waiting is refused, others are not") {
        World world;
        world.limits.outstanding_max = 2;
        world.wait("a");
        world.wait("a");
        const auto refused = world.acquire("a");
        REQUIRE(!refused);
        CHECK(refused.error().kind == ErrorKind::limit);
        CHECK(refused.error().id == rpc::QueryScheduler::kTooManyOutstanding);
        CHECK(refused.error().message == "too many outstanding requests");
        CHECK(world.exposes("cortex_query_scheduler_discarded_requests_total{user=\"a\"} 1"));
        world.wait("b");
    }

    TEST_CASE("tenants take turns, however many queries one of them has") {
        World world;
        std::vector<Queue::RequestPtr> many;
        for (int i = 0; i < 10; ++i) many.push_back(world.wait("many"));
        const auto b = world.wait("b");
        const auto c = world.wait("c");
        std::uint64_t ended = 0;
        for (int i = 0; i < 3; ++i) ended = world.offer("q1", ended)->slot.ticket;
        CHECK(ticket_of(many[0]) == 1);
        CHECK(ticket_of(b) == 2);
        CHECK(ticket_of(c) == 3);
        CHECK(ticket_of(many[1]) == 0);
    }

    TEST_CASE("who has the fewest slots is first") {
        World world;
        world.offers(3);
        for (int i = 0; i < 3; ++i) REQUIRE(world.take("heavy") != 0);
        const auto heavy = world.wait("heavy");
        const auto light = world.wait("light");
        const auto later = world.wait("light");
        world.offer("q1", 1);  // one of heavy's three has ended
        CHECK(ticket_of(light) == 4);
        world.offer("q1", 2);  // two are busy; heavy has one of them, as light
        CHECK(ticket_of(heavy) == 5);
        CHECK(ticket_of(later) == 0);
    }

    TEST_CASE("alone, a tenant gets all slots; beside others it leaves a quarter to them") {
        World world;
        world.offers(8);
        SUBCASE("alone") {
            for (int i = 0; i < 8; ++i) CHECK(world.take("heavy") != 0);
        }
        SUBCASE("beside one that was here within the last minute") {
            const auto ticket = world.take("light");
            world.queue.end(ticket, world.now);
            world.offer();
            for (int i = 0; i < 6; ++i) CHECK(world.take("heavy") != 0);
            CHECK(world.take("heavy") == 0);
            CHECK(world.take("light") != 0);
            CHECK(world.take("light") != 0);
            CHECK(world.take("light") == 0);
        }
        SUBCASE("when the other was here longer ago") {
            const auto ticket = world.take("light");
            world.queue.end(ticket, world.now);
            world.offer();
            for (int i = 0; i < 6; ++i) CHECK(world.take("heavy") != 0);
            const auto waits = world.wait("heavy");
            world.advance(59s);
            CHECK(ticket_of(waits) == 0);
            world.advance(1s);
            CHECK(ticket_of(waits) != 0);
        }
        SUBCASE("all that wait are served in the end, by what is given back") {
            const auto ticket = world.take("light");
            world.queue.end(ticket, world.now);
            std::vector<std::uint64_t> held;
            for (int i = 0; i < 6; ++i) held.push_back(world.take("heavy"));
            const auto waits = world.wait("heavy");
            CHECK(ticket_of(waits) == 0);
            world.offer("q1", held.front());
            CHECK(ticket_of(waits) != 0);
        }
    }

    TEST_CASE("a short query beside long ones takes at most twice its time") {
        // 8 slots; heavy's queries take 10 s and never cease, light's one of 100 ms comes each second.
        World world;
        constexpr auto kStep = 10ms;
        std::map<std::uint64_t, TimePoint> running;  // ticket -> end
        std::vector<Queue::RequestPtr> heavy;
        Queue::RequestPtr light;
        TimePoint light_came;
        std::chrono::nanoseconds worst{0};
        std::size_t heavy_done = 0;
        world.offers(8);
        const auto start = [&](const rpc::Assignment& slot, bool is_heavy) {
            running[slot.ticket] = world.now + (is_heavy ? 10'000ms : 100ms);
            if (is_heavy) ++heavy_done;
        };
        const auto light_done = [&](const rpc::Assignment& slot) {
            start(slot, false);
            worst = std::max(worst, world.now + 100ms - light_came);
        };
        for (int step = 0; step < 12'000; ++step) {
            world.advance(kStep);
            for (auto at = running.begin(); at != running.end();) {
                if (at->second > world.now) {
                    ++at;
                    continue;
                }
                const std::uint64_t ended = at->first;
                at = running.erase(at);
                world.offer("q1", ended);
            }
            std::erase_if(heavy, [&](const Queue::RequestPtr& request) {
                if (!request->outcome) return false;
                start(**request->outcome, true);
                return true;
            });
            if (light && light->outcome) {
                light_done(**light->outcome);
                light.reset();
            }
            while (heavy.size() < 20) {
                auto acquired = *world.acquire("heavy");
                if (auto* slot = std::get_if<rpc::Assignment>(&acquired)) {
                    start(*slot, true);
                } else {
                    heavy.push_back(std::get<Queue::RequestPtr>(acquired));
                }
            }
            if (step % 100 == 0 && !light) {
                light_came = world.now;
                auto acquired = *world.acquire("light");
                if (auto* slot = std::get_if<rpc::Assignment>(&acquired)) {
                    light_done(*slot);
                } else {
                    light = std::get<Queue::RequestPtr>(acquired);
                }
            }
            if (step == 1100) worst = {};  // what was running when light came the first time
        }
        CHECK(worst <= 200ms);
        // Of 8 slots, heavy had 6 for 120 s, each query for 10 s.
        CHECK(heavy_done >= 6 * 11);
    }

    TEST_CASE("who gives up leaves the queue") {
        World world;
        auto token = CancellationToken::create();
        const auto gone = world.wait("a", token);
        const auto late =
            world.wait("a", CancellationToken::create(std::chrono::steady_clock::now() - 1s));
        const auto stays = world.wait("a");
        SUBCASE("at a tick") {
            token.cancel();
            world.advance(25ms);
            CHECK(world.queue.waiting() == 1);
        }
        SUBCASE("or when its turn comes") { token.cancel(); }
        SUBCASE("or when its coroutine is destroyed") { world.queue.withdraw(*gone, world.now); }
        world.offer();
        CHECK(kind_of(gone) == ErrorKind::canceled);
        CHECK(kind_of(late) == ErrorKind::timeout);
        CHECK(ticket_of(stays) == 1);
    }

    TEST_CASE("an offer that was taken back is given to nobody") {
        World world;
        auto token = CancellationToken::create();
        const auto offer = world.offer("q1", 0, token);
        const auto withdrawn = world.offer();
        world.queue.withdraw(*withdrawn, world.now);
        token.cancel();
        CHECK(world.take("a") == 0);
        world.advance(100ms);
        REQUIRE(offer->outcome);
        CHECK(offer->outcome->error().kind == ErrorKind::canceled);
        CHECK(world.queue.open_slots() == 0);
    }

    TEST_CASE("an offer ends with its ticket, before anybody notices that its call is gone") {
        World world;
        const auto offer = world.offer();
        SUBCASE("when its querier says so") {
            world.queue.end(1, world.now);
            CHECK(world.queue.open_slots() == 0);
        }
        SUBCASE("when the slot is offered anew") {
            world.offer("q1", 1);
            CHECK(world.queue.open_slots() == 1);
        }
        REQUIRE(offer->outcome);
        CHECK(offer->outcome->error().kind == ErrorKind::canceled);
        CHECK(world.take("a") != 1);
    }

    TEST_CASE("an offer that comes twice is one slot") {
        World world;
        const auto first = world.offer();
        --world.tickets;
        const auto second = world.offer();
        CHECK(world.queue.open_slots() == 1);
        REQUIRE(first->outcome);
        CHECK(!first->outcome->has_value());
        CHECK(!second->outcome);
    }

    TEST_CASE("a slot is busy until it is offered again, ended, or nobody knows") {
        World world;
        world.offers(3);
        for (int i = 0; i < 3; ++i) world.take("a");
        CHECK(world.queue.busy_slots() == 3);
        world.offer("q1", 1);
        CHECK(world.queue.busy_slots() == 2);
        world.queue.end(2, world.now);
        CHECK(world.queue.busy_slots() == 1);
        world.queue.end(2, world.now);
        world.queue.end(77, world.now);
        CHECK(world.queue.busy_slots() == 1);
        world.advance(Queue::kBusyMax);
        CHECK(world.queue.busy_slots() == 0);
    }

    TEST_CASE("queries fail when no querier was there for a while") {
        World world;
        SUBCASE("ever") {}
        SUBCASE("any more") {
            const auto offer = world.offer();
            world.advance(1h);
            world.queue.withdraw(*offer, world.now);
        }
        const auto first = world.wait("a");
        world.advance(1s);
        const auto second = world.wait("a");
        world.advance(999ms);
        CHECK(!first->outcome);
        world.advance(1ms);
        CHECK(kind_of(first) == ErrorKind::unavailable);
        CHECK(first->outcome->error().message == "no querier is running");
        CHECK(!second->outcome);
        world.offer();
        CHECK(ticket_of(second) != 0);
    }

    TEST_CASE("queries wait while queriers are busy") {
        World world;
        world.offer();
        world.take("a");
        const auto waits = world.wait("b");
        world.advance(1min);
        CHECK(!waits->outcome);
    }

    TEST_CASE("a tenant's queries go to its own queriers") {
        World world;
        world.limits.queriers_max = 2;
        for (int i = 0; i < 6; ++i) world.offer("q" + std::to_string(i));
        const auto queriers_of = [&](const std::string& tenant) {
            std::set<std::string> queriers;
            std::vector<std::uint64_t> tickets;
            for (auto acquired = world.acquire(tenant);; acquired = world.acquire(tenant)) {
                REQUIRE_OK(acquired);
                const auto* slot = std::get_if<rpc::Assignment>(&*acquired);
                if (slot == nullptr) {
                    world.queue.withdraw(*std::get<Queue::RequestPtr>(*acquired), world.now);
                    break;
                }
                queriers.insert(slot->querier_id);
                tickets.push_back(slot->ticket);
            }
            auto ended = tickets.begin();
            for (const std::string& querier : queriers) world.offer(querier, *ended++);
            return queriers;
        };
        std::set<std::string> all;
        for (int i = 0; i < 20; ++i) {
            const std::string tenant = "tenant-" + std::to_string(i);
            const auto queriers = queriers_of(tenant);
            CHECK(queriers.size() == 2);
            CHECK(queriers_of(tenant) == queriers);
            all.insert(queriers.begin(), queriers.end());
        }
        CHECK(all.size() == 6);
    }

    TEST_CASE("when a tenant's querier is gone, another takes its place") {
        World world;
        world.limits.queriers_max = 1;
        const auto first = world.offer("q1");
        const auto second = world.offer("q2");
        const auto chosen = world.take("a");
        const auto& other = chosen == 1 ? second : first;
        const auto waits = world.wait("a");
        CHECK(!other->outcome);
        world.queue.end(chosen, world.now);  // and it offers no other
        world.advance(999ms);
        CHECK(!waits->outcome);
        world.advance(1s);
        CHECK(ticket_of(waits) == other->slot.ticket);
    }

    TEST_CASE("a stop ends all who wait, and refuses who comes") {
        World world;
        const auto query = world.wait("a");
        world.queue.stop(world.now);
        CHECK(kind_of(query) == ErrorKind::unavailable);
        const auto refused = world.acquire("a");
        REQUIRE(!refused);
        CHECK(refused.error().kind == ErrorKind::unavailable);
        CHECK(!world.queue.offer({.querier_id = "q", .address = "", .ticket = 9}, {}, world.now));
    }

    TEST_CASE("whatever happens, no query waits while there is a slot for it, and none is lost") {
        World world;
        auto random = test::seeded_random();
        struct Waiting {
            Queue::RequestPtr request;
            CancellationToken token;
        };
        std::vector<Waiting> waiting;
        std::vector<std::uint64_t> running;
        std::size_t slots = 6;
        world.offers(6);
        for (int step = 0; step < 20'000; ++step) {
            const std::string tenant = "t" + std::to_string(random.below(4));
            switch (random.below(6)) {
                case 0:
                case 1: {
                    auto token = CancellationToken::create();
                    auto acquired = world.acquire(tenant, token);
                    if (!acquired) break;
                    if (auto* slot = std::get_if<rpc::Assignment>(&*acquired)) {
                        running.push_back(slot->ticket);
                    } else {
                        waiting.push_back({std::get<Queue::RequestPtr>(*acquired), token});
                    }
                    break;
                }
                case 2:
                case 3:
                    if (running.empty()) break;
                    world.offer("q1", running.back());
                    running.pop_back();
                    break;
                case 4:
                    if (waiting.empty() || random.below(4) != 0) break;
                    waiting[random.below(waiting.size())].token.cancel();
                    break;
                default: world.advance(std::chrono::milliseconds(random.below(2000))); break;
            }
            std::erase_if(waiting, [&](const Waiting& entry) {
                if (!entry.request->outcome) return false;
                if (*entry.request->outcome) {
                    running.push_back((**entry.request->outcome).ticket);
                }
                return true;
            });
            // Nothing times out here: queriers are always there, and a query ends before kBusyMax.
            if (world.queue.busy_slots() != running.size()) {
                // A busy slot that was forgotten is offered again all the same.
                REQUIRE(world.queue.busy_slots() < running.size());
            }
            REQUIRE(world.queue.open_slots() + running.size() == slots);
            REQUIRE(world.queue.waiting() == waiting.size());
            if (world.queue.waiting() > 0) {
                // A quarter may be left free.
                REQUIRE(world.queue.open_slots() <= 1);
            }
        }
    }
}

}  // namespace
}  // namespace mimir::query_scheduler
