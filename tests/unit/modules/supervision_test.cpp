#include "modules/supervisor.hpp"
#include "world.hpp"

namespace mimir::modules {
namespace {

ManagerOptions supervised(RestartPolicy policy) { return {.stop_grace = 1s, .restart = policy}; }

/// At once, and again and again.
constexpr RestartPolicy kAtOnce{.backoff_min = 1ms, .backoff_max = 1ms, .attempts_max = 1'000'000};
/// Not while the test runs.
constexpr RestartPolicy kInAnHour{.backoff_min = 1h, .backoff_max = 1h};

/// A supervisor alone, for two modules a and b.
struct Alone {
    ModuleTable table{{{.name = "a", .factory = no_service}, {.name = "b", .factory = no_service}}};
    RestartPolicy policy{
        .backoff_min = 1s, .backoff_max = 5s, .attempts_max = 5, .stable_after = 1min
    };
    test::ManualClock clock{TimestampMs{1'000'000}};
    telemetry::Logger log;
    telemetry::Registry registry;
    StatusBoard board{table, clock.now(), 0};
    Supervisor supervisor{policy, board, log, registry, clock};

    static Result<std::unique_ptr<Service>> no_service() {
        return fail(ErrorKind::internal, "never built");
    }
    /// The delay after a failure; 0 for none.
    std::chrono::milliseconds fail_after(std::chrono::nanoseconds lived) {
        supervisor.failed("a", lived);
        const auto next = board.status("a").next_restart;
        return next ? *next - clock.now() : 0ms;
    }
};

}  // namespace

TEST_SUITE("modules/supervisor") {
    TEST_CASE("the back-off doubles up to its maximum, and attempts come to an end") {
        Alone alone;
        for (const auto delay : {1s, 2s, 4s, 5s, 5s}) {
            CHECK(alone.fail_after(0s) == delay);
            CHECK(alone.supervisor.due().empty());
            CHECK(alone.supervisor.until_next() == delay);
            alone.clock.advance(delay);
            CHECK(alone.supervisor.due() == Names{"a"});
            CHECK_FALSE(alone.supervisor.until_next().has_value());
            alone.supervisor.restarting("a");
            CHECK(alone.supervisor.due().empty());
        }
        CHECK(alone.fail_after(0s) == 0ms);
        CHECK_FALSE(alone.supervisor.is_pending("a"));
        CHECK(alone.board.status("a").restarts == 5);

        alone.supervisor.forget("a");
        CHECK(alone.board.status("a").restarts == 0);
        CHECK(alone.fail_after(0s) == 1s);
    }

    TEST_CASE("a long life ends the row of restarts") {
        Alone alone;
        CHECK(alone.fail_after(0s) == 1s);
        alone.supervisor.restarting("a");
        CHECK(alone.fail_after(1min) == 2s);
        alone.supervisor.restarting("a");
        CHECK(alone.fail_after(1min + 1ms) == 1s);
    }

    TEST_CASE("what waits for another is due at once, and no restart of its own") {
        Alone alone;
        alone.supervisor.await("b");
        CHECK(alone.supervisor.due() == Names{"b"});
        alone.supervisor.restarting("b");
        CHECK(alone.board.status("b").restarts == 0);
        alone.supervisor.await("b");
        alone.supervisor.keep_only({"a"});
        CHECK(alone.supervisor.due().empty());
    }

    TEST_CASE("with no attempts allowed nothing is started again") {
        Alone alone;
        alone.policy.attempts_max = 0;
        CHECK(alone.fail_after(0s) == 0ms);
        alone.supervisor.await("b");
        CHECK(alone.supervisor.due().empty());
    }
}

TEST_SUITE("modules/supervision") {
    using enum Change::Kind;

    TEST_CASE("a module that failed starts again, and then those that need it") {
        World world(supervised({.backoff_min = 100ms}));
        REQUIRE_OK(world.manager().apply(change(start, {"c", "d"})));
        (void)world.history();
        world.script("b").run_fails = true;
        REQUIRE(world.eventually("b", State::failed));
        world.script("b").run_fails = false;
        REQUIRE(world.eventually("c", State::terminated));
        REQUIRE(world.eventually("c", State::running));
        CHECK(world.history() == "stop c, gone c, stop b, gone b, start b, start c");
        CHECK(world.status("b").restarts == 1);
        CHECK(world.status("b").error.empty());
        CHECK(world.status("c").restarts == 0);
        CHECK(world.manager().not_running().empty());
        CHECK(world.has_metric("mimird_module_restarts_total{module=\"b\"} 1"));
        CHECK(world.has_metric("mimird_module_restarts_total{module=\"c\"} 1"));
        CHECK(
            world.log().find(
                "msg=\"module will be restarted\" module=b attempt=1 attempts_max=10 delay=100ms"
            ) != std::string::npos
        );
    }

    TEST_CASE("a restart that fails is tried again, until it has failed for good") {
        RestartPolicy policy = kAtOnce;
        policy.attempts_max = 3;
        std::atomic<int> gave_up = 0;
        ManagerOptions options = supervised(policy);
        options.gave_up = [&] { ++gave_up; };
        World world(options);
        REQUIRE_OK(world.manager().apply(change(start, {"c"})));
        (void)world.history();
        world.script("b").start_fails = true;
        world.script("b").run_fails = true;
        REQUIRE(test::eventually(5s, [&] { return world.manager().gave_up(); }));
        CHECK(
            world.history() ==
            "stop c, gone c, stop b, gone b, start b, gone b, start b, gone b, start b, gone b"
        );
        CHECK(world.status("b").restarts == 3);
        CHECK_FALSE(world.status("b").next_restart.has_value());
        CHECK(world.status("b").error == "port taken");
        CHECK(world.manager().state("a") == State::running);
        CHECK(gave_up == 1);
        CHECK_FALSE(world.manager().came_to_an_end());

        // An operator starts it: the count begins anew, and what waited for it comes back.
        world.script("b").start_fails = false;
        world.script("b").run_fails = false;
        REQUIRE_OK(world.manager().apply(change(start, {"b"})));
        CHECK(world.status("b").restarts == 0);
        CHECK(world.eventually("c", State::running));
        CHECK(test::eventually(5s, [&] { return !world.manager().gave_up(); }));
        CHECK(
            world.log().find("\"module has failed for good\" module=b restarts=3") !=
            std::string::npos
        );
    }

    TEST_CASE("as long as one wanted module runs the manager does not give up") {
        World world;
        REQUIRE_OK(world.manager().apply(change(start, {"b", "d"})));
        world.script("b").run_fails = true;
        REQUIRE(world.eventually("b", State::failed));
        // After what follows the failure on the manager's thread.
        REQUIRE_OK(world.manager().apply(change(start, {"d"})));
        CHECK_FALSE(world.manager().gave_up());
        world.script("d").run_fails = true;
        CHECK(test::eventually(5s, [&] { return world.manager().gave_up(); }));
    }

    TEST_CASE("when all that was wanted came to its end, the manager gives up") {
        World world(supervised(kAtOnce));
        REQUIRE_OK(world.manager().apply(change(start, {"d"})));
        CHECK_FALSE(world.manager().gave_up());
        world.script("d").run_ends = true;
        CHECK(test::eventually(5s, [&] { return world.manager().gave_up(); }));
        CHECK(world.manager().came_to_an_end());
        CHECK(world.manager().wanted().empty());
        CHECK(world.history() == "start a, start d, stop d, gone d");
    }

    TEST_CASE("what failed for good is no end of its own, although all else ended") {
        World world;
        REQUIRE_OK(world.manager().apply(change(start, {"b", "d"})));
        world.script("b").run_fails = true;
        REQUIRE(world.eventually("b", State::failed));
        world.script("d").run_ends = true;
        CHECK(test::eventually(5s, [&] { return world.manager().gave_up(); }));
        CHECK_FALSE(world.manager().came_to_an_end());
    }

    TEST_CASE("changes do not wait for a back-off, and a start brings it forward") {
        World world(supervised(kInAnHour));
        REQUIRE_OK(world.manager().apply(change(start, {"c"})));
        world.script("b").run_fails = true;
        REQUIRE(test::eventually(5s, [&] { return world.status("b").next_restart.has_value(); }));
        REQUIRE_OK(world.manager().apply(change(start, {"d"})));
        CHECK(world.manager().state("b") == State::failed);
        CHECK_FALSE(world.manager().gave_up());

        world.script("b").run_fails = false;
        REQUIRE_OK(world.manager().apply(change(start, {"b"})));
        CHECK_FALSE(world.status("b").next_restart.has_value());
        CHECK(world.eventually("c", State::running));
    }

    TEST_CASE("what is no longer wanted is not tried again") {
        World world(supervised(kInAnHour));
        REQUIRE_OK(world.manager().apply(change(start, {"c", "d"})));
        world.script("b").run_fails = true;
        REQUIRE(test::eventually(5s, [&] { return world.status("b").next_restart.has_value(); }));
        REQUIRE_OK(world.manager().apply(change(stop, {"c"})));
        CHECK_FALSE(world.status("b").next_restart.has_value());
        CHECK(world.manager().state("b") == State::failed);
        CHECK(world.manager().not_running().empty());
    }

    TEST_CASE("a start that needs what has just failed says when that will be tried again") {
        /// Breaks a module before another starts.
        class Saboteur final : public StepListener {
          public:
            explicit Saboteur(World& world) : world_(world) {}
            Result<void> planned(const PlannedChange&) override { return {}; }
            Result<void> begins(std::size_t, const Step& step) override {
                if (step.module != "d") return {};
                world_.script("a").run_fails = true;
                CHECK(world_.eventually("a", State::failed));
                return {};
            }
            void ended(std::size_t, const Step&, const Result<void>&) override {}
            void undone(std::size_t, const Step&) override {}

          private:
            World& world_;
        };
        World world(supervised(kInAnHour));
        REQUIRE_OK(world.manager().apply(change(start, {"b"})));
        Change doomed = change(start, {"d"});
        doomed.listener = std::make_shared<Saboteur>(world);
        const auto outcome = world.manager().apply(doomed);
        REQUIRE_FALSE(outcome.has_value());
        CHECK(
            outcome.error().message ==
            "starting d: it needs a, which is Failed and will be tried again in 3600 s"
        );
        CHECK(world.status("b").error == "stopped, because a failed");
        CHECK(world.status("a").next_restart.has_value());
        CHECK(world.manager().wanted() == Names{"b"});
    }

    TEST_CASE("a change that fails leaves what it stopped to the supervisor") {
        World world(supervised(kAtOnce));
        REQUIRE_OK(world.manager().apply(change(start, {"c"})));
        (void)world.history();
        Change failing = change(restart, {"b"});
        failing.cancel = CancellationToken::create();
        world.script("c").start_waits = true;
        Result<Plan> outcome;
        std::jthread restarter([&] { outcome = world.manager().apply(failing); });
        REQUIRE(world.eventually("c", State::starting));
        world.script("c").start_waits = false;
        failing.cancel.cancel();
        restarter.join();
        CHECK(world.eventually("c", State::running));
        CHECK(world.manager().not_running().empty());
        CHECK(world.manager().wanted() == Names{"c"});
    }

    TEST_CASE("a restart that takes for ever gives way to a change that concerns it") {
        World world(supervised(kAtOnce));
        REQUIRE_OK(world.manager().apply(change(start, {"b", "d"})));
        world.script("b").start_waits = true;
        world.script("b").run_fails = true;
        REQUIRE(world.eventually("b", State::starting));
        REQUIRE_OK(world.manager().apply(change(stop, {"b"})));
        CHECK(world.manager().state("b") == State::failed);
        CHECK(world.manager().not_running().empty());
    }

    TEST_CASE("a module that always runs is tried again, however it ended") {
        World world(supervised(kAtOnce), World::With::admin);
        REQUIRE_OK(world.manager().apply(change(start, {"a"})));
        world.script("admin").run_ends = true;
        REQUIRE(test::eventually(5s, [&] { return world.status("admin").restarts > 2; }));
        world.script("admin").run_ends = false;
        world.script("admin").run_fails = true;
        const auto seen = world.status("admin").restarts;
        CHECK(test::eventually(5s, [&] { return world.status("admin").restarts > seen + 2; }));
        CHECK(world.manager().state("a") == State::running);
    }
}

}  // namespace mimir::modules
