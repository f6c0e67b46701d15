#include "world.hpp"

namespace mimir::modules {
namespace {

/// Notes in the world's history what it is told.
class Recorder final : public StepListener {
  public:
    explicit Recorder(World& world) : world_(world) {}

    Result<void> planned_result;
    /// What begins() does.
    std::function<Result<void>(const Step&)> on_begin = [](const Step&) { return Result<void>(); };

    Result<void> planned(const PlannedChange& change) override {
        world_.note("planned", std::to_string(change.steps.size()));
        return planned_result;
    }
    Result<void> begins(std::size_t index, const Step& step) override {
        world_.note(fmt::format("begins {}", index), text(step));
        return on_begin(step);
    }
    void ended(std::size_t index, const Step& step, const Result<void>& result) override {
        world_.note(fmt::format("{} {}", result ? "ended" : "failed", index), text(step));
    }
    void undone(std::size_t index, const Step& step) override {
        world_.note(fmt::format("undone {}", index), text(step));
    }

  private:
    static std::string text(const Step& step) {
        return (step.action == Step::Action::start ? "+" : "-") + step.module;
    }
    World& world_;
};

/// The change, with a commit that notes itself and returns this.
Change committed(World& world, Change change, Result<void> outcome = {}) {
    change.commit = [&world, outcome] {
        world.note("commit", "change");
        return outcome;
    };
    return change;
}

const Result<void> kDiskFull = fail(ErrorKind::unavailable, "disk full");

}  // namespace

TEST_SUITE("modules/change") {
    using enum Change::Kind;

    TEST_CASE("a change is committed when it can no longer fail") {
        World world;
        const auto apply = [&](Change::Kind kind, Names names) {
            const auto done =
                world.manager().apply(committed(world, change(kind, std::move(names))));
            CHECK(done.has_value());
            return world.history();
        };
        CHECK(apply(start, {"b"}) == "start a, start b, commit change");
        CHECK(apply(start, {"b"}) == "commit change");
        CHECK(apply(set_target, {"d"}) == "start d, commit change, stop b, gone b");
        CHECK(apply(restart, {"d"}) == "stop d, gone d, start d, commit change");
        CHECK(apply(stop, {"d"}) == "commit change, stop d, gone d, stop a, gone a");
    }

    TEST_CASE("a change that cannot be committed is undone") {
        World world;
        const auto apply = [&](Change::Kind kind, Names names) {
            const auto done =
                world.manager().apply(committed(world, change(kind, std::move(names)), kDiskFull));
            REQUIRE_FALSE(done.has_value());
            CHECK(done.error().message == "disk full");
            return world.history();
        };
        CHECK(
            apply(start, {"b"}) == "start a, start b, commit change, stop b, gone b, stop a, gone a"
        );
        CHECK(world.manager().wanted().empty());

        REQUIRE_OK(world.manager().apply(change(start, {"b"})));
        (void)world.history();
        CHECK(apply(stop, {"b"}) == "commit change");
        CHECK(apply(set_target, {"d"}) == "start d, commit change, stop d, gone d");
        CHECK(apply(restart, {"b"}) == "stop b, gone b, start b, commit change");
        CHECK(world.manager().wanted() == Names{"b"});
        CHECK(world.manager().not_running().empty());
    }

    TEST_CASE("a change that is canceled gives up the start under way and stops what it started") {
        World world;
        Change canceled = change(start, {"c"});
        canceled.cancel = CancellationToken::create();
        world.script("c").start_waits = true;
        Result<Plan> outcome;
        std::jthread starter([&] { outcome = world.manager().apply(canceled); });
        REQUIRE(world.eventually("c", State::starting));
        canceled.cancel.cancel();
        starter.join();
        REQUIRE_FALSE(outcome.has_value());
        CHECK(outcome.error().kind == ErrorKind::canceled);
        CHECK(
            world.history() == "start a, start b, start c, gone c, stop b, gone b, stop a, gone a"
        );
        CHECK(world.manager().wanted().empty());

        CHECK(world.manager().apply(canceled).error().kind == ErrorKind::canceled);
        CHECK(world.history().empty());
    }

    TEST_CASE("a change that is canceled takes no further step") {
        World world;
        const auto recorder = std::make_shared<Recorder>(world);
        Change canceled = committed(world, change(start, {"b"}));
        canceled.cancel = CancellationToken::create();
        canceled.listener = recorder;
        recorder->on_begin = [token = canceled.cancel](const Step&) mutable -> Result<void> {
            token.cancel();
            return {};
        };
        CHECK(world.manager().apply(canceled).error().kind == ErrorKind::canceled);
        CHECK(
            world.history() ==
            "planned 2, begins 0 +a, start a, ended 0 +a, stop a, gone a, undone 0 +a"
        );
    }

    TEST_CASE("what is committed is not canceled any more") {
        World world;
        REQUIRE_OK(world.manager().apply(change(start, {"b"})));
        Change late = change(set_target, {"d"});
        late.cancel = CancellationToken::create();
        late.commit = [token = late.cancel]() mutable -> Result<void> {
            token.cancel();
            return {};
        };
        REQUIRE_OK(world.manager().apply(late));
        CHECK(world.manager().state("b") == State::terminated);
        CHECK(world.manager().wanted() == Names{"d"});
    }

    TEST_CASE("a listener hears of the plan, of each step around its effect, and of the undoing") {
        World world;
        Change heard = change(start, {"b"});
        heard.listener = std::make_shared<Recorder>(world);
        world.script("b").start_fails = true;
        CHECK_FALSE(world.manager().apply(heard).has_value());
        CHECK(
            world.history() ==
            "planned 2, begins 0 +a, start a, ended 0 +a, begins 1 +b, start b, gone b, "
            "failed 1 +b, stop a, gone a, undone 0 +a"
        );
        heard.modules = {"a"};
        REQUIRE_OK(world.manager().apply(heard));
        CHECK(world.history() == "planned 1, begins 0 +a, start a, ended 0 +a");
        REQUIRE_OK(world.manager().apply(heard));
        CHECK(world.history() == "planned 0");
    }

    TEST_CASE("a listener may refuse the plan, or a step") {
        World world;
        const auto recorder = std::make_shared<Recorder>(world);
        Change heard = committed(world, change(start, {"b"}));
        heard.listener = recorder;
        recorder->planned_result = kDiskFull;
        CHECK(world.manager().apply(heard).error().message == "disk full");
        CHECK(world.history() == "planned 2");
        CHECK(world.manager().wanted().empty());

        recorder->planned_result = {};
        recorder->on_begin = [](const Step& step) {
            return step.module == "b" ? kDiskFull : Result<void>();
        };
        CHECK(world.manager().apply(heard).error().message == "disk full");
        CHECK(
            world.history() ==
            "planned 2, begins 0 +a, start a, ended 0 +a, begins 1 +b, stop a, gone a, undone 0 +a"
        );
    }

    TEST_CASE("a committed change is carried out though its listener fails, and says so") {
        World world;
        REQUIRE_OK(world.manager().apply(change(start, {"a"})));
        (void)world.history();
        const auto recorder = std::make_shared<Recorder>(world);
        recorder->on_begin = [](const Step&) { return kDiskFull; };
        Change heard = committed(world, change(stop, {"a"}));
        heard.listener = recorder;
        CHECK(world.manager().apply(heard).error().message == "disk full");
        CHECK(
            world.history() == "planned 1, commit change, begins 0 -a, stop a, gone a, ended 0 -a"
        );
        CHECK(world.manager().wanted().empty());
    }
}

}  // namespace mimir::modules
