#include "runtime/run_on.hpp"

#include <future>
#include <string>
#include <thread>

#include "support/test_support.hpp"

namespace mimir::runtime {
namespace {

asio::awaitable<Result<std::string>> greet(Pool& pool, std::string name) {
    auto job = [name] { return Result<std::string>("hello " + name); };
    co_return co_await run_on(pool, std::move(job));
}

struct Threads {
    std::thread::id before, pool, after;
};

asio::awaitable<Result<Threads>> threads_of(Pool& pool) {
    Threads threads;
    threads.before = std::this_thread::get_id();
    auto job = [] { return Result<std::thread::id>(std::this_thread::get_id()); };
    MIMIR_CO_TRY(threads.pool, co_await run_on(pool, std::move(job)));
    threads.after = std::this_thread::get_id();
    co_return threads;
}

asio::awaitable<Result<int>> sum_of_many(Pool& pool, int count) {
    int sum = 0;
    for (int i = 0; i < count; ++i) {
        auto job = [i] { return Result<int>(i); };
        MIMIR_CO_TRY(const int value, co_await run_on(pool, std::move(job)));
        sum += value;
    }
    co_return sum;
}

TEST_SUITE("runtime/run_on") {
    TEST_CASE("the caller gets what the job returned") {
        IoThreads io(1);
        Pool pool("test", {});
        const auto greeting = wait(io, greet(pool, "you"));
        REQUIRE_OK(greeting);
        CHECK(*greeting == "hello you");
    }

    TEST_CASE("the job runs on the pool, and the coroutine goes on where it was") {
        IoThreads io(1);
        Pool pool("test", {});
        const auto threads = wait(io, threads_of(pool));
        REQUIRE_OK(threads);
        CHECK(threads->before == threads->after);
        CHECK(threads->before != threads->pool);
        CHECK(threads->pool != std::this_thread::get_id());
    }

    TEST_CASE("a full pool is an error of the call") {
        IoThreads io(1);
        Pool pool("test", {.threads = 1, .queue_limit = 0});
        const auto refused = wait(io, greet(pool, "you"));
        REQUIRE(!refused);
        CHECK(refused.error().kind == ErrorKind::unavailable);
    }

    TEST_CASE("a job of one pool waits for a coroutine that uses another") {
        IoThreads io(1);
        Pool upper("upper", {});
        Pool lower("lower", {});
        std::promise<Result<int>> outcome;
        REQUIRE_OK(upper.post([&] { outcome.set_value(wait(io, sum_of_many(lower, 1000))); }));
        const auto sum = outcome.get_future().get();
        REQUIRE_OK(sum);
        CHECK(*sum == 499'500);
    }

    TEST_CASE("many coroutines share the pools") {
        IoThreads io(2);
        Pool pool("test", {.threads = 2, .queue_limit = 100});
        std::vector<std::thread> callers;
        for (int i = 0; i < 4; ++i) {
            callers.emplace_back([&] {
                const auto sum = wait(io, sum_of_many(pool, 500));
                REQUIRE_OK(sum);
                CHECK(*sum == 124'750);
            });
        }
        for (auto& caller : callers) caller.join();
    }
}

}  // namespace
}  // namespace mimir::runtime
