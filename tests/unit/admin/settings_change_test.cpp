#include "admin/settings_change.hpp"

#include "config/declarer.hpp"
#include "support/test_support.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::admin {
namespace {

class Idle final : public modules::Service {
  public:
    Result<void> start(const CancellationToken&) override { return {}; }
    Result<void> stop(std::chrono::milliseconds) override { return {}; }
};

modules::Module module(std::string name, modules::Names dependencies = {}) {
    return {
        .name = std::move(name),
        .targetable = true,
        .dependencies = std::move(dependencies),
        .factory = [] { return std::make_unique<Idle>(); },
    };
}

/// Modules a and b, of which a runs.
class World {
  public:
    World() { REQUIRE_OK(manager.apply({.kind = modules::Change::Kind::start, .modules = {"a"}})); }

    SettingsChange change(const std::vector<std::pair<std::string, std::string>>& differences) {
        std::vector<api::ConfigDifference> all;
        for (const auto& [key, restarts] : differences) {
            all.push_back({.key = key, .running = "1", .file = "2", .module = restarts});
        }
        return SettingsChange(all, manager);
    }

    const modules::ModuleTable table{{module("a"), module("b"), module("c", {"a"})}};
    telemetry::Registry registry;
    modules::Manager manager{table, {}, {}, registry};
};

TEST_SUITE("admin/settings change") {
    TEST_CASE("no differences are nothing") {
        World world;
        const SettingsChange change = world.change({});
        CHECK(change.is_nothing());
        CHECK_FALSE(change.restart().has_value());
        CHECK(change.warnings().empty());
        CHECK(change.summary().empty());
    }

    TEST_CASE("running modules whose settings changed restart, each once") {
        World world;
        const auto change = world.change({{"x.one", "a"}, {"x.two", "a"}, {"y.one", "b"}});
        CHECK_FALSE(change.is_nothing());
        const auto restart = change.restart();
        REQUIRE(restart.has_value());
        CHECK(restart->kind == modules::Change::Kind::restart);
        CHECK(restart->modules == modules::Names{"a"});  // b has them when it starts
        CHECK(change.summary() == "x.one, x.two, y.one");
    }

    TEST_CASE("what needs no restart is applied without one") {
        World world;
        const SettingsChange change = world.change({{"log.level", ""}, {"y.one", "b"}});
        CHECK_FALSE(change.is_nothing());
        CHECK_FALSE(change.restart().has_value());
    }

    TEST_CASE("what only a restart of the daemon brings is said, and is no change") {
        World world;
        const std::string process(config::kProcess);
        const SettingsChange change = world.change({{"p.one", process}, {"p.two", process}});
        CHECK(change.is_nothing());
        REQUIRE(change.warnings().size() == 1);
        CHECK(change.warnings()[0] == "only a restart of mimird brings into force: p.one, p.two");
        const SettingsChange both = world.change({{"p.one", process}, {"x.one", "a"}});
        CHECK_FALSE(both.is_nothing());
        CHECK(both.summary() == "x.one");
        CHECK(both.warnings().size() == 1);
    }

    TEST_CASE("a long list is cut in its summary") {
        World world;
        const auto change =
            world.change({{"k1", "a"}, {"k2", ""}, {"k3", "b"}, {"k4", "a"}, {"k5", "a"}});
        CHECK(change.summary() == "k1, k2, k3 and 2 more");
        CHECK(
            world.change({{"k1", "a"}, {"k2", ""}, {"k3", "b"}, {"k4", "a"}}).summary() ==
            "k1, k2, k3 and 1 more"
        );
    }
}

}  // namespace
}  // namespace mimir::admin
