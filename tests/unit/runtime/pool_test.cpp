#include "runtime/pool.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <future>

#include "support/test_support.hpp"

namespace mimir::runtime {
namespace {

TEST_SUITE("runtime/pool") {
    TEST_CASE("jobs of one thread run first in, first out") {
        std::vector<int> order;
        {
            Pool pool("test", {.threads = 1, .queue_limit = 100});
            for (int i = 0; i < 100; ++i) {
                REQUIRE_OK(pool.post([&order, i] { order.push_back(i); }));
            }
        }
        REQUIRE(order.size() == 100);
        CHECK(std::is_sorted(order.begin(), order.end()));
    }

    TEST_CASE("a full queue refuses, and says which threads are busy") {
        Pool pool("ingest", {.threads = 1, .queue_limit = 1});
        std::promise<void> release;
        std::promise<void> started;
        REQUIRE_OK(pool.post([&] {
            started.set_value();
            release.get_future().wait();
        }));
        started.get_future().wait();
        std::atomic<bool> ran = false;
        REQUIRE_OK(pool.post([&] { ran = true; }));
        CHECK(pool.queued() == 1);
        CHECK(pool.running() == 1);

        const auto refused = pool.post([] {});
        REQUIRE(!refused);
        CHECK(refused.error().kind == ErrorKind::unavailable);
        CHECK(refused.error().message == "too busy: 1 jobs wait for the ingest threads");

        release.set_value();
        CHECK(test::eventually(std::chrono::seconds(5), [&] { return ran.load(); }));
        CHECK(test::eventually(std::chrono::seconds(5), [&] { return pool.running() == 0; }));
    }

    TEST_CASE("threads carry the pool's name") {
        Pool pool("background", {});
        std::promise<std::string> name;
        REQUIRE_OK(pool.post([&] {
            char buffer[16] = {};
            pthread_getname_np(pthread_self(), buffer, sizeof buffer);
            name.set_value(buffer);
        }));
        CHECK(name.get_future().get() == "background-0");
    }

    TEST_CASE("jobs posted from many threads all run") {
        std::atomic<int> ran = 0;
        {
            Pool pool("test", {.threads = 3, .queue_limit = 100'000});
            std::vector<std::thread> posters;
            for (int t = 0; t < 4; ++t) {
                posters.emplace_back([&] {
                    for (int i = 0; i < 1000; ++i) CHECK(pool.post([&] { ++ran; }).has_value());
                });
            }
            for (auto& poster : posters) poster.join();
        }
        CHECK(ran == 4000);
    }
}

}  // namespace
}  // namespace mimir::runtime
