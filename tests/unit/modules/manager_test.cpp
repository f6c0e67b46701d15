#include "modules/manager.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/guarded.hpp"
#include "support/test_support.hpp"

using namespace std::chrono_literals;

namespace mimir::modules {
namespace {

/// What the test's services do; set before they do it.
struct Script {
    std::atomic<bool> start_fails = false;
    std::atomic<bool> start_waits = false;  ///< until it is canceled
    std::atomic<bool> run_fails = false;    ///< as soon as it is set
    std::atomic<bool> run_ends = false;
    std::atomic<bool> stop_fails = false;
    std::atomic<bool> throws = false;
};

/// Modules a <- b <- c and a <- d, which note what happens to them.
class World {
  public:
    World()
        : table_(rows()), manager_(table_, {.stop_grace = 1s}, telemetry::Logger(), registry_) {}

    Manager& manager() { return manager_; }
    Script& script(const std::string& name) { return scripts_[name]; }

    /// What happened since the last call: "start a", "stop a", "gone a".
    std::string history() {
        return history_.with([](std::string& text) { return std::exchange(text, {}); });
    }
    void note(std::string_view what, const std::string& name) {
        history_.with([&](std::string& text) {
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", what, name);
        });
    }
    std::string metrics() const { return telemetry::expose(registry_.collect()); }
    ModuleStatus status(std::string_view name) {
        for (const auto& status : manager_.list()) {
            if (status.name == name) return status;
        }
        return {};
    }
    bool eventually(std::string_view name, State state) {
        return test::eventually(5s, [&] { return manager_.state(name) == state; });
    }

  private:
    class Scripted final : public Service {
      public:
        Scripted(World& world, std::string name) : world_(world), name_(std::move(name)) {}
        ~Scripted() override { world_.note("gone", name_); }

        Result<void> start(const CancellationToken& cancel) override {
            world_.note("start", name_);
            Script& script = world_.script(name_);
            if (script.throws) throw std::runtime_error("thrown");
            while (script.start_waits) {
                MIMIR_TRY(cancel.check());
                std::this_thread::yield();
            }
            if (script.start_fails) return fail(ErrorKind::unavailable, "port taken");
            return {};
        }
        Result<void> run(std::stop_token stop) override {
            Script& script = world_.script(name_);
            while (sleep(stop, 1ms)) {
                if (script.run_fails) return fail(ErrorKind::internal, "disk broke");
                if (script.run_ends) return {};
            }
            return {};
        }
        Result<void> stop(std::chrono::milliseconds grace) override {
            CHECK(grace == 1s);
            world_.note("stop", name_);
            if (world_.script(name_).stop_fails) return fail(ErrorKind::timeout, "still busy");
            return {};
        }

      private:
        World& world_;
        std::string name_;
    };

    std::vector<Module> rows() {
        std::vector<Module> rows;
        const auto add = [&](const std::string& name, Names dependencies) {
            rows.push_back({
                .name = name,
                .targetable = true,
                .in_all = true,
                .dependencies = std::move(dependencies),
                .factory = [this, name]() -> Result<std::unique_ptr<Service>> {
                    return std::make_unique<Scripted>(*this, name);
                },
            });
            scripts_[name];
        };
        add("a", {});
        add("b", {"a"});
        add("c", {"b"});
        add("d", {"a"});
        return rows;
    }

    telemetry::Registry registry_;
    std::map<std::string, Script> scripts_;
    Guarded<std::string> history_;
    ModuleTable table_;
    Manager manager_;
};

Change change(Change::Kind kind, Names names) {
    return {.kind = kind, .modules = std::move(names)};
}

}  // namespace

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
        CHECK(
            world.metrics().find("mimird_module_starts_total{module=\"a\"} 3\n") !=
            std::string::npos
        );
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
        CHECK(
            world.metrics().find("mimird_module_failures_total{module=\"b\"} 1\n") !=
            std::string::npos
        );
        CHECK(world.metrics().find("mimird_module_running{module=\"b\"} 1\n") != std::string::npos);
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
        CHECK(world.manager().apply(change(start, {"a"})).error().kind == ErrorKind::unavailable);
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
        CHECK(world.manager().plan(change(start, {"all"}))->size() == 4);
    }
}

}  // namespace mimir::modules
