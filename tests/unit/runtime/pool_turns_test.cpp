#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <thread>

#include "base/turn.hpp"
#include "runtime/pool.hpp"
#include "support/test_support.hpp"

namespace mimir::runtime {
namespace {

using namespace std::chrono_literals;

/// CPU time as the tests have it: what jobs add to it.
std::atomic<std::int64_t> made_up_ns = 0;
std::chrono::nanoseconds made_up_time() { return std::chrono::nanoseconds(made_up_ns.load()); }
void compute(std::chrono::nanoseconds time) { made_up_ns += time.count(); }

/// Nothing happens by real time.
PoolOptions with_turns(std::size_t threads, std::size_t turns) {
    return {
        .threads = threads,
        .queue_limit = 10'000,
        .turns = turns,
        .cpu_time = made_up_time,
        .offers_every = 0us,
        .looks_every = 1h
    };
}

struct TestJob final : Job {
    explicit TestJob(std::function<void()> f) : fn(std::move(f)) {}
    void run() override {
        fn();
        done.set_value();
    }
    /// The pool is to end before the job.
    void wait() { REQUIRE(done.get_future().wait_for(30s) == std::future_status::ready); }
    std::function<void()> fn;
    std::promise<void> done;
};

TEST_SUITE("runtime/pool with turns") {
    TEST_CASE("a job that has begun hands its turn to another tenant's") {
        std::promise<void> begun;
        std::atomic<bool> light_ran = false;
        std::atomic<std::size_t> blocks_after = 0;
        const auto begin = std::chrono::steady_clock::now();
        TestJob heavy([&] {
            begun.set_value();
            while (!light_ran && std::chrono::steady_clock::now() - begin < 20s) {
                compute(1ms);
                Turn::give_way({});
            }
            blocks_after = light_ran ? 1 : 0;
        });
        TestJob light([&] { light_ran = true; });
        Pool pool("test", with_turns(3, 1));
        REQUIRE_OK(pool.post_job(heavy, "heavy"));
        begun.get_future().wait();
        REQUIRE_OK(pool.post_job(light, "light"));
        light.wait();
        heavy.wait();
        CHECK(blocks_after == 1);
    }

    TEST_CASE("no more jobs compute than there are turns, and all end") {
        std::atomic<int> computing = 0;
        std::atomic<int> computing_max = 0;
        std::atomic<int> ended = 0;
        const auto enter = [&] {
            const int now = ++computing;
            int most = computing_max.load();
            while (now > most && !computing_max.compare_exchange_weak(most, now)) {
            }
        };
        std::deque<TestJob> jobs;
        for (int i = 0; i < 300; ++i) {
            jobs.emplace_back([&, i] {
                enter();
                for (int block = 0; block < 20; ++block) {
                    compute(3ms);
                    --computing;
                    if (block % 7 == i % 7) {
                        const Turn::Away away;
                        std::this_thread::yield();
                    }
                    Turn::give_way({});
                    enter();
                }
                --computing;
                ++ended;
            });
        }
        Pool pool("test", with_turns(6, 2));
        std::vector<std::thread> posters;
        for (std::size_t poster = 0; poster < 3; ++poster) {
            posters.emplace_back([&, poster] {
                for (std::size_t i = poster; i < jobs.size(); i += 3) {
                    CHECK(pool.post_job(jobs[i], std::string(1, 'a' + static_cast<char>(i % 5))));
                }
            });
        }
        for (std::thread& poster : posters) poster.join();
        for (TestJob& job : jobs) job.wait();
        CHECK(ended == 300);
        CHECK(computing_max <= 2);
    }

    TEST_CASE("a job that waits for another has no turn") {
        std::promise<void> other_ran;
        TestJob waiting([&] {
            const Turn::Away away;
            CHECK(other_ran.get_future().wait_for(20s) == std::future_status::ready);
        });
        TestJob other([&] { other_ran.set_value(); });
        Pool pool("test", with_turns(2, 1));
        REQUIRE_OK(pool.post_job(waiting, "a"));
        REQUIRE_OK(pool.post_job(other, "a"));
        waiting.wait();
        other.wait();
    }

    TEST_CASE("a job that waits without saying so holds up nobody for long") {
        auto options = with_turns(2, 1);
        options.looks_every = 1ms;
        std::promise<void> other_ran;
        TestJob waiting([&] {
            CHECK(other_ran.get_future().wait_for(20s) == std::future_status::ready);
        });
        TestJob other([&] { other_ran.set_value(); });
        Pool pool("test", options);
        REQUIRE_OK(pool.post_job(waiting, "a"));
        REQUIRE_OK(pool.post_job(other, "a"));
        waiting.wait();
        other.wait();
    }

    TEST_CASE("a job that is canceled while it waits for its turn goes on, to end") {
        auto options = with_turns(2, 1);
        options.looks_every = 1ms;
        auto token = CancellationToken::create();
        std::promise<void> begun;
        std::atomic<bool> second_runs = false;
        std::atomic<bool> first_ended = false;
        TestJob first([&] {
            begun.set_value();
            while (!second_runs) {
                compute(1ms);
                Turn::give_way(token);
            }
            first_ended = true;
        });
        TestJob second([&] {
            second_runs = true;
            token.cancel();
            // It uses nothing, so the turn is not the first one's again.
            while (!first_ended) Turn::give_way({});
        });
        Pool pool("test", options);
        REQUIRE_OK(pool.post_job(first, "a"));
        begun.get_future().wait();
        REQUIRE_OK(pool.post_job(second, "b"));
        first.wait();
        second.wait();
    }

    TEST_CASE("what is queued at the end is run, by turns") {
        std::atomic<int> ran = 0;
        {
            Pool pool("test", with_turns(4, 1));
            for (int i = 0; i < 200; ++i) {
                REQUIRE_OK(pool.post([&] {
                    compute(20ms);
                    Turn::give_way({});
                    ++ran;
                }));
            }
        }
        CHECK(ran == 200);
    }

    TEST_CASE("where no turns are taken nothing is offered, and nobody is away") {
        TestJob job([] {
            Turn::give_way({});
            const Turn::Away away;
        });
        Pool pool("test", {.threads = 1});
        REQUIRE_OK(pool.post_job(job, "a"));
        job.wait();
        Turn::give_way({});
    }
}

}  // namespace
}  // namespace mimir::runtime
