#include "modules/manager.hpp"

#include <future>

#include "world.hpp"

namespace mimir::modules {

TEST_SUITE("modules/manager") {
    using enum Change::Kind;

    TEST_CASE(
        "dependencies start first, dependents stop first, and each is gone when it has stopped"
    ) {
        World world;
        REQUIRE_OK(world.manager().apply(change(start, {"c"})));
        CHECK(world.history() == "start a, start b, start c");
        CHECK(world.manager().not_running().empty());
        REQUIRE_OK(world.manager().apply(change(stop, {"c"})));
        CHECK(world.history() == "stop c, gone c, stop b, gone b, stop a, gone a");
        CHECK(world.manager().state("c") == State::terminated);
    }

    TEST_CASE("repeating a change does nothing, and its empty plan says so") {
        World world;
        REQUIRE_OK(world.manager().apply(change(start, {"b"})));
        const auto revision = world.manager().revision();
        const auto again = world.manager().apply(change(start, {"b"}));
        REQUIRE_OK(again);
        CHECK(again->empty());
        CHECK(world.manager().revision() == revision);
    }

    TEST_CASE("a stopped module starts again as a fresh object") {
        World world;
        for (int life = 0; life < 3; ++life) {
            REQUIRE_OK(world.manager().apply(change(start, {"a"})));
            REQUIRE_OK(world.manager().apply(change(stop, {"a"})));
            CHECK(world.history() == "start a, stop a, gone a");
        }
        CHECK(world.has_metric("mimird_module_starts_total{module=\"a\"} 3"));
    }

    TEST_CASE("a failed start stops what it started and leaves the rest untouched") {
        World world;
        REQUIRE_OK(world.manager().apply(change(start, {"d"})));
        (void)world.history();
        world.script("c").start_fails = true;
        const auto result = world.manager().apply(change(start, {"c"}));
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().message == "starting c: port taken");
        CHECK(world.history() == "start b, start c, gone c, stop b, gone b");
        CHECK(world.manager().state("a") == State::running);
        CHECK(world.manager().state("d") == State::running);
        CHECK(world.manager().state("b") == State::terminated);
        CHECK(world.status("c").error == "port taken");
        CHECK(world.manager().not_running().empty());

        world.script("c").start_fails = false;
        REQUIRE_OK(world.manager().apply(change(start, {"c"})));
        CHECK(world.status("c").error.empty());
    }

    TEST_CASE("a module that fails while running takes its dependents with it, and nothing else") {
        World world;
        REQUIRE_OK(world.manager().apply(change(start, {"c", "d"})));
        (void)world.history();
        world.script("b").run_fails = true;
        REQUIRE(world.eventually("c", State::terminated));
        REQUIRE(test::eventually(5s, [&] { return world.status("c").error != ""; }));
        CHECK(world.status("c").error == "stopped, because b failed");
        CHECK(world.status("b").error == "disk broke");
        CHECK(world.manager().state("d") == State::running);
        CHECK(world.manager().not_running() == Names{"b: Failed", "c: Terminated"});

        world.script("b").run_fails = false;
        REQUIRE_OK(world.manager().apply(change(start, {"c"})));
        CHECK(world.history() == "stop c, gone c, stop b, gone b, start b, start c");
        CHECK(world.has_metric("mimird_module_failures_total{module=\"b\"} 1"));
        CHECK(world.has_metric("mimird_module_running{module=\"b\"} 1"));
    }

    TEST_CASE("a change that comes before a failed module's retirement does not overtake it") {
        struct Case {
            Change change;
            std::string_view history;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {{stop, {"a"}, true},
                  "stop c, gone c, stop b, gone b, stop d, gone d, stop a, gone a"},
                 {{start, {"b"}}, "stop c, gone c, stop b, gone b, start b"},
             }) {
            CAPTURE(c.history);
            World world;
            REQUIRE_OK(world.manager().apply(change(start, {"c", "d"})));
            (void)world.history();
            // The manager's thread is busy until the module has failed.
            std::promise<void> failed;
            Change busy = change(start, {"a"});
            busy.commit = [&]() -> Result<void> {
                failed.get_future().wait();
                return {};
            };
            std::promise<bool> done;
            world.manager().submit(busy, [](const Result<Plan>&) {});
            world.manager().submit(c.change, [&](const Result<Plan>& outcome) {
                done.set_value(outcome.has_value());
            });
            world.script("b").run_fails = true;
            CHECK(world.eventually("b", State::failed));
            world.script("b").run_fails = false;
            failed.set_value();
            CHECK(done.get_future().get());
            CHECK(world.history() == c.history);
        }
    }

    TEST_CASE("a module whose work is done terminates and is wanted no more") {
        World world;
        world.script("d").run_ends = true;
        REQUIRE_OK(world.manager().apply(change(start, {"b", "d"})));
        REQUIRE(world.eventually("d", State::terminated));
        CHECK(test::eventually(5s, [&] { return world.manager().not_running().empty(); }));
        CHECK(world.manager().state("b") == State::running);
    }

    TEST_CASE("what does not stop cleanly has stopped, and the change says so") {
        World world;
        REQUIRE_OK(world.manager().apply(change(start, {"c"})));
        world.script("b").stop_fails = true;
        const auto result = world.manager().apply(change(stop, {"c"}));
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().message == "stopping b: still busy");
        CHECK(world.manager().state("a") == State::terminated);
        CHECK(world.manager().state("b") == State::failed);
    }

    TEST_CASE("an exception in a module is that module's failure") {
        World world;
        world.script("b").throws = true;
        const auto result = world.manager().apply(change(start, {"b"}));
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().message == "starting b: unexpected exception: thrown");
    }

    TEST_CASE("a stale revision is refused") {
        World world;
        const auto seen = world.manager().revision();
        REQUIRE_OK(world.manager().apply(change(start, {"a"})));
        Change stale = change(stop, {"a"});
        stale.if_revision = seen;
        const auto result = world.manager().apply(stale);
        REQUIRE_FALSE(result.has_value());
        CHECK(result.error().kind == ErrorKind::conflict);
        CHECK(result.error().id == "revision-stale");
        stale.if_revision = world.manager().revision();
        CHECK(world.manager().apply(stale).has_value());
    }

    TEST_CASE("shutting down gives up a start, stops everything and refuses the rest") {
        World world;
        REQUIRE_OK(world.manager().apply(change(start, {"d"})));
        world.script("c").start_waits = true;
        Result<Plan> outcome;
        std::jthread starter([&] { outcome = world.manager().apply(change(start, {"c"})); });
        REQUIRE(world.eventually("c", State::starting));
        CHECK(world.manager().not_running() == Names{"c: Starting"});
        world.manager().shut_down();
        starter.join();
        REQUIRE_FALSE(outcome.has_value());
        CHECK(outcome.error().kind == ErrorKind::canceled);
        for (const auto& status : world.manager().list()) {
            CAPTURE(status.name);
            CHECK(status.state == (status.name == "c" ? State::failed : State::terminated));
        }
        const auto refused = world.manager().apply(change(start, {"a"}));
        CHECK(refused.error().kind == ErrorKind::unavailable);
        CHECK(refused.error().id == "shutting-down");
    }

    TEST_CASE("every module has a status; those that never ran are new") {
        World world;
        REQUIRE_OK(world.manager().apply(change(start, {"b"})));
        std::string statuses;
        for (const ModuleStatus& status : world.manager().statuses()) {
            CHECK(status.since > TimestampMs{0});
            statuses += fmt::format(
                "{} {}{}, ", status.name, to_string(status.state), status.wanted ? " wanted" : ""
            );
        }
        CHECK(statuses == "a Running, b Running wanted, c New, d New, ");
        CHECK(world.manager().list().size() == 2);
        CHECK(world.manager().wanted() == Names{"b"});
    }

    TEST_CASE("the revision goes on from where an earlier process left it") {
        ManagerOptions options = unsupervised();
        options.first_revision = 1'000;
        World world(options);
        CHECK(world.manager().revision() == 1'000);
        REQUIRE_OK(world.manager().apply(change(start, {"a"})));
        CHECK(world.manager().revision() > 1'000);
    }

    TEST_CASE("a module that always runs comes with the first change and outlives the last") {
        World world(unsupervised(), World::With::admin);
        REQUIRE_OK(world.manager().apply(change(set_target, {"b"})));
        CHECK(world.history() == "start admin, start a, start b");
        REQUIRE_OK(world.manager().apply(change(set_target, {"d"})));
        REQUIRE_OK(world.manager().apply(change(stop, {"all"})));
        CHECK(world.history() == "start d, stop b, gone b, stop d, gone d, stop a, gone a");
        CHECK(world.manager().state("admin") == State::running);
        CHECK(world.manager().wanted().empty());
        CHECK_FALSE(world.manager().gave_up());
        CHECK(world.manager().apply(change(restart, {"admin"})).error().id == "module-always-runs");
        world.manager().shut_down();
        CHECK(world.history() == "stop admin, gone admin");
    }

    TEST_CASE("a module that does not stop is named, for as long as it does not") {
        ManagerOptions options = unsupervised();
        options.stop_grace = 1ms;
        options.stop_overdue = 1ms;
        options.stop_overdue_interval = 1ms;
        World world(options);
        REQUIRE_OK(world.manager().apply(change(start, {"a"})));
        world.script("a").stop_waits = true;
        std::jthread stopper([&] { CHECK(world.manager().apply(change(stop, {"a"})).has_value()); }
        );
        REQUIRE(test::eventually(5s, [&] {
            return world.status("a").error == "does not stop, for 0 s now";
        }));
        world.script("a").stop_waits = false;
        stopper.join();
        CHECK(world.status("a").error.empty());
        CHECK(
            world.log().find("level=warn msg=\"module does not stop\" module=a for=0s") !=
            std::string::npos
        );
    }

    TEST_CASE("changes from many threads are carried out one after the other") {
        World world;
        {
            std::vector<std::jthread> threads;
            for (const std::string name : {"a", "b", "c", "d"}) {
                threads.emplace_back([&world, name] {
                    for (int i = 0; i < 25; ++i) {
                        CHECK(world.manager().apply(change(start, {name})).has_value());
                        Change stopping = change(stop, {name});
                        stopping.cascade = true;
                        CHECK(world.manager().apply(stopping).has_value());
                    }
                });
            }
        }
        for (const auto& status : world.manager().list()) CHECK(status.state == State::terminated);
        CHECK(world.manager().plan(change(start, {"all"}))->steps.size() == 4);
    }
}

}  // namespace mimir::modules
