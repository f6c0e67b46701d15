#include "runtime/bell.hpp"

#include <atomic>
#include <thread>

#include "runtime/run_on.hpp"
#include "runtime/task_scope.hpp"
#include "support/test_support.hpp"

namespace mimir::runtime {
namespace {

using namespace std::chrono_literals;

asio::awaitable<void> wait_once(Bell& bell, std::uint64_t seen, std::atomic<int>& woken) {
    co_await bell.wait(seen, 1h);
    ++woken;
}

/// Follows a counter whose every change is rung, until it has reached `last`.
asio::awaitable<void> follow(Bell& bell, const std::atomic<int>& counter, int last) {
    for (;;) {
        const std::uint64_t seen = bell.rings();
        if (counter == last) co_return;
        co_await bell.wait(seen, 1h);
    }
}

asio::awaitable<void> follow_and_count(
    Bell& bell, const std::atomic<int>& counter, int last, std::atomic<int>& arrived
) {
    co_await follow(bell, counter, last);
    ++arrived;
}

TEST_SUITE("runtime/bell") {
    TEST_CASE("one ring wakes everybody who waits") {
        IoThreads io(2);
        Bell bell;
        std::atomic<int> woken = 0;
        TaskScope scope(io);
        for (int i = 0; i < 50; ++i) scope.spawn(wait_once(bell, bell.rings(), woken));
        bell.ring();
        CHECK(test::eventually(5s, [&] { return woken == 50; }));
        CHECK(bell.rings() == 1);
    }

    TEST_CASE("a ring that came before the wait is not lost") {
        IoThreads io(1);
        Bell bell;
        const std::uint64_t seen = bell.rings();
        bell.ring();
        wait(io, bell.wait(seen, 1h));
        // The next wait is for another ring, and its time runs out.
        const auto begin = std::chrono::steady_clock::now();
        wait(io, bell.wait(bell.rings(), 20ms));
        CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
    }

    TEST_CASE("without a ticket, a wait is for the next ring or its time") {
        IoThreads io(1);
        Bell bell;
        bell.ring();
        const auto begin = std::chrono::steady_clock::now();
        wait(io, bell.wait(20ms));
        CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
    }

    TEST_CASE("whoever looks, then waits, sees the last change, however the threads run") {
        IoThreads io(2);
        constexpr int kLast = 2000;
        constexpr int kFollowers = 4;
        Bell bell;
        std::atomic<int> counter = 0;
        std::atomic<int> arrived = 0;
        TaskScope scope(io);
        for (int i = 0; i < kFollowers; ++i) {
            scope.spawn(follow_and_count(bell, counter, 2 * kLast, arrived));
        }
        const auto change = [&] {
            for (int i = 0; i < kLast; ++i) {
                ++counter;
                bell.ring();
            }
        };
        std::thread first(change);
        std::thread second(change);
        first.join();
        second.join();
        CHECK(test::eventually(5s, [&] { return arrived == kFollowers; }));
        CHECK(bell.rings() == 2 * kLast);
    }

    TEST_CASE("a cancelled task stops waiting, and rings go on") {
        IoThreads io(2);
        Bell bell;
        std::atomic<int> woken = 0;
        {
            TaskScope scope(io);
            scope.spawn(wait_once(bell, bell.rings(), woken));
            scope.stop();
        }
        bell.ring();
        CHECK(bell.rings() == 1);
    }

    TEST_CASE("rings and cancellations may meet") {
        IoThreads io(2);
        Bell bell;
        std::atomic<int> woken = 0;
        for (int round = 0; round < 200; ++round) {
            TaskScope scope(io);
            for (int i = 0; i < 3; ++i) scope.spawn(wait_once(bell, bell.rings(), woken));
            bell.ring();
            scope.stop();
        }
        CHECK(bell.rings() == 200);
    }
}

}  // namespace
}  // namespace mimir::runtime
