#include <atomic>

#include "components/query_scheduler/query_scheduler.hpp"
#include "runtime/run_on.hpp"
#include "support/test_support.hpp"

namespace mimir::query_scheduler {
namespace {

using namespace std::chrono_literals;
using test::eventually;

rpc::RequestContext context_of(std::string_view tenant) {
    return {
        .tenant = *model::TenantId::parse(tenant),
        .cancellation = CancellationToken::create(),
        .trace_id = {}
    };
}

template <class T>
struct Outcome {
    Guarded<std::optional<Result<T>>> value;
    [[nodiscard]] bool is_there() const {
        return value.with([](const auto& v) { return v.has_value(); });
    }
    [[nodiscard]] Result<T> get() const {
        REQUIRE(eventually(5s, [&] { return is_there(); }));
        return value.with([](const auto& v) { return *v; });
    }
};

template <class T>
asio::awaitable<void> store(asio::awaitable<Result<T>> work, Outcome<T>& outcome) {
    auto result = co_await std::move(work);
    outcome.value.with([&](auto& value) { value.emplace(std::move(result)); });
}

struct World {
    telemetry::Registry registry;
    telemetry::MetricScope scope{registry};
    Metrics metrics{scope};
    config::LimitsProvider limits{config::Limits()};
    runtime::IoThreads io{2};
    QueryScheduler scheduler{
        {.max_outstanding_requests_per_tenant = 2, .ring = {}},
        {.limits = limits, .io = io, .metrics = metrics, .no_querier_timeout = 300ms}
    };
    runtime::TaskScope tasks{io};

    void acquire(const rpc::RequestContext& context, Outcome<rpc::Assignment>& outcome) {
        tasks.spawn(store(scheduler.acquire(context), outcome));
    }
    void offer(std::uint64_t ticket, const CancellationToken& token, Outcome<void>& outcome) {
        rpc::SlotOffer slot{.querier_id = "q", .address = "q:1", .ticket = ticket};
        tasks.spawn(store(scheduler.offer(std::move(slot), token), outcome));
    }
    [[nodiscard]] bool has_waiting(int count) {
        return eventually(5s, [&] { return metrics.inflight_requests.value() == count; });
    }
    [[nodiscard]] bool has_open(int count) {
        return eventually(5s, [&] { return metrics.open_slots.value() == count; });
    }
};

TEST_SUITE("query_scheduler") {
    TEST_CASE("a query and a slot find each other, whoever comes first") {
        World world;
        Outcome<rpc::Assignment> assignment;
        Outcome<void> offered;
        SUBCASE("the query") {
            world.acquire(context_of("a"), assignment);
            REQUIRE(world.has_waiting(1));
            world.offer(7, {}, offered);
        }
        SUBCASE("the slot") {
            world.offer(7, {}, offered);
            REQUIRE(world.has_open(1));
            world.acquire(context_of("a"), assignment);
        }
        const auto got = assignment.get();
        REQUIRE_OK(got);
        CHECK(got->ticket == 7);
        CHECK(got->querier_id == "q");
        CHECK(got->address == "q:1");
        REQUIRE_OK(offered.get());
    }

    TEST_CASE("a caller that goes away leaves the queue, and its place is another's") {
        World world;
        Outcome<void> offered;
        auto context = context_of("a");
        Outcome<rpc::Assignment> first;
        Outcome<rpc::Assignment> second;
        Outcome<rpc::Assignment> third;
        // Until the last moment of its wait there is a querier.
        world.offer(7, {}, offered);
        REQUIRE(world.has_open(1));
        Outcome<rpc::Assignment> holder;
        world.acquire(context_of("a"), holder);
        REQUIRE_OK(holder.get());
        world.acquire(context, first);
        world.acquire(context_of("a"), second);
        REQUIRE(world.has_waiting(3));
        world.acquire(context_of("a"), third);
        CHECK(third.get().error().kind == ErrorKind::limit);
        context.cancellation.cancel();
        CHECK(first.get().error().kind == ErrorKind::canceled);
        REQUIRE(world.has_waiting(2));
        Outcome<void> again;
        world.offer(8, {}, again);
        REQUIRE_OK(second.get());
        CHECK(second.get()->ticket == 8);
    }

    TEST_CASE("a deadline ends the wait") {
        World world;
        Outcome<rpc::Assignment> outcome;
        auto context = context_of("a");
        context.cancellation =
            context.cancellation.with_deadline(std::chrono::steady_clock::now() + 50ms);
        world.acquire(context, outcome);
        CHECK(outcome.get().error().kind == ErrorKind::timeout);
    }

    TEST_CASE("an offer ends with its token") {
        World world;
        Outcome<void> offered;
        auto token = CancellationToken::create();
        world.offer(7, token, offered);
        REQUIRE(world.has_open(1));
        token.cancel();
        CHECK(offered.get().error().kind == ErrorKind::canceled);
        CHECK(world.has_open(0));
    }

    TEST_CASE("those whose tasks are cancelled leave nothing behind") {
        World world;
        Outcome<void> offered;
        Outcome<rpc::Assignment> assignment;
        SUBCASE("an offer") {
            world.offer(7, {}, offered);
            REQUIRE(world.has_open(1));
        }
        SUBCASE("a query") {
            world.acquire(context_of("a"), assignment);
            REQUIRE(world.has_waiting(1));
        }
        world.tasks.stop();
        CHECK(world.metrics.open_slots.value() == 0);
        CHECK(world.metrics.inflight_requests.value() == 0);
    }

    TEST_CASE("without a querier a query fails soon, and says so") {
        World world;
        Outcome<rpc::Assignment> outcome;
        world.acquire(context_of("a"), outcome);
        const auto failed = outcome.get();
        CHECK(failed.error().kind == ErrorKind::unavailable);
        CHECK(failed.error().message == "no querier is running");
    }

    TEST_CASE("a stop ends all who wait") {
        World world;
        Outcome<rpc::Assignment> query;
        Outcome<void> offered;
        SUBCASE("a query") {
            world.acquire(context_of("a"), query);
            REQUIRE(world.has_waiting(1));
            world.scheduler.stop();
            CHECK(query.get().error().kind == ErrorKind::unavailable);
        }
        SUBCASE("an offer") {
            world.offer(7, {}, offered);
            REQUIRE(world.has_open(1));
            world.scheduler.stop();
            CHECK(offered.get().error().kind == ErrorKind::unavailable);
        }
        Outcome<rpc::Assignment> late;
        world.acquire(context_of("a"), late);
        CHECK(late.get().error().kind == ErrorKind::unavailable);
    }
}

}  // namespace
}  // namespace mimir::query_scheduler
