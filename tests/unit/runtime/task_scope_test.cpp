#include "runtime/task_scope.hpp"

#include <atomic>
#include <boost/asio/strand.hpp>

#include "runtime/run_on.hpp"
#include "support/test_support.hpp"

namespace mimir::runtime {
namespace {

using namespace std::chrono_literals;

struct CountDown {
    std::atomic<int>& alive;
    explicit CountDown(std::atomic<int>& count) : alive(count) { ++alive; }
    ~CountDown() { --alive; }
    CountDown(const CountDown&) = delete;
    CountDown& operator=(const CountDown&) = delete;
};

asio::awaitable<void> sleep_for_ever(std::atomic<int>& alive, std::atomic<bool>& went_on) {
    const CountDown guard(alive);
    co_await sleep_for(1h);
    co_await sleep_for(1h);
    went_on = true;
}

asio::awaitable<void> tick(std::atomic<int>& ticks) {
    for (;;) {
        ++ticks;
        co_await sleep_for(1ms);
    }
}

asio::awaitable<void> finish(std::atomic<int>& finished) {
    ++finished;
    co_return;
}

asio::awaitable<bool> is_in(asio::strand<asio::any_io_executor> strand) {
    co_await sleep_for(1us);
    co_return strand.running_in_this_thread();
}

/// Lets work run on strands of its own until it is canceled.
asio::awaitable<void> visit_strands(IoThreads& io, std::atomic<int>& visits) {
    for (;;) {
        const auto strand = asio::make_strand(io.executor());
        const bool was_in = co_await run_in(strand, is_in(strand));
        CHECK(was_in);
        ++visits;
    }
}

TEST_SUITE("runtime/task_scope") {
    TEST_CASE("stop cancels what waits and returns when all has ended") {
        IoThreads io(2);
        std::atomic<int> alive = 0;
        std::atomic<bool> went_on = false;
        TaskScope scope(io);
        for (int i = 0; i < 100; ++i) scope.spawn(sleep_for_ever(alive, went_on));
        REQUIRE(test::eventually(5s, [&] { return alive == 100; }));
        scope.stop();
        CHECK(alive == 0);
        CHECK(scope.size() == 0);
        CHECK(!went_on);
    }

    TEST_CASE("a loop is unwound at its next await") {
        IoThreads io(1);
        std::atomic<int> ticks = 0;
        {
            TaskScope scope(io);
            scope.spawn(tick(ticks));
            REQUIRE(test::eventually(5s, [&] { return ticks > 3; }));
        }
        const int ticks_at_end = ticks;
        wait(io, sleep_for(5ms));
        CHECK(ticks == ticks_at_end);
    }

    TEST_CASE("a task that ends leaves the scope") {
        IoThreads io(1);
        TaskScope scope(io);
        std::atomic<int> finished = 0;
        scope.spawn(finish(finished));
        CHECK(test::eventually(5s, [&] { return scope.size() == 0; }));
        CHECK(finished == 1);
    }

    TEST_CASE("a stopped scope starts nothing") {
        IoThreads io(1);
        TaskScope scope(io);
        scope.stop();
        std::atomic<int> finished = 0;
        scope.spawn(finish(finished));
        CHECK(scope.size() == 0);
        wait(io, sleep_for(1ms));
        CHECK(finished == 0);
    }

    TEST_CASE("stopping right after spawning loses no task") {
        IoThreads io(2);
        std::atomic<int> alive = 0;
        std::atomic<bool> went_on = false;
        for (int round = 0; round < 200; ++round) {
            TaskScope scope(io);
            for (int i = 0; i < 5; ++i) scope.spawn(sleep_for_ever(alive, went_on));
            scope.stop();
            CHECK(alive == 0);
        }
        CHECK(!went_on);
    }

    TEST_CASE("work in another strand ends with its caller, also when both come at once") {
        IoThreads io(4);
        std::atomic<int> alive = 0;
        std::atomic<bool> went_on = false;
        for (int round = 0; round < 100; ++round) {
            std::atomic<int> visits = 0;
            TaskScope scope(io);
            for (int i = 0; i < 4; ++i) scope.spawn(visit_strands(io, visits));
            scope.spawn(run_in(asio::make_strand(io.executor()), sleep_for_ever(alive, went_on)));
            CHECK(test::eventually(5s, [&] { return visits > 10 && alive == 1; }));
            scope.stop();
            CHECK(alive == 0);
        }
        CHECK(!went_on);
    }
}

}  // namespace
}  // namespace mimir::runtime
