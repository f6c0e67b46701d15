#include "modules/plan.hpp"

#include <fmt/format.h>

#include "support/test_support.hpp"

namespace mimir::modules {
namespace {

Result<std::unique_ptr<Service>> no_service() { return fail(ErrorKind::internal, "never built"); }

/// server <- api <- {distributor, ingester, querier <- frontend}; frontend also needs the codec.
const ModuleTable& table() {
    static const ModuleTable table({
        {.name = "server", .factory = no_service},
        {.name = "api", .dependencies = {"server"}, .factory = no_service},
        {.name = "distributor",
         .targetable = true,
         .in_all = true,
         .dependencies = {"api"},
         .factory = no_service},
        {.name = "ingester",
         .targetable = true,
         .in_all = true,
         .dependencies = {"api"},
         .factory = no_service},
        {.name = "querier",
         .targetable = true,
         .in_all = true,
         .dependencies = {"api"},
         .factory = no_service},
        {.name = "codec", .factory = no_service},
        {.name = "frontend",
         .targetable = true,
         .in_all = true,
         .dependencies = {"querier", "codec"},
         .factory = no_service},
        {.name = "read", .targetable = true, .dependencies = {"frontend", "querier"}},
    });
    return table;
}

/// base <- {admin, ingester, querier}, where admin always runs.
ModuleTable table_with_admin() {
    return ModuleTable({
        {.name = "ingester", .dependencies = {"base"}, .factory = no_service},
        {.name = "querier", .dependencies = {"base"}, .factory = no_service},
        {.name = "base", .factory = no_service},
        {.name = "admin", .always = true, .dependencies = {"base"}, .factory = no_service},
    });
}

/// "+ingester -querier": starts and stops in their order.
std::string text(const Plan& steps) {
    std::string out;
    for (const Step& step : steps) {
        if (!out.empty()) out += ' ';
        out += (step.action == Step::Action::start ? '+' : '-') + step.module;
    }
    return out;
}

const Situation kNothing{};
const Situation kAll{
    .wanted = {"distributor", "ingester", "querier", "frontend"},
    .running = {"server", "api", "distributor", "ingester", "querier", "codec", "frontend"},
};
/// A querier that failed took the frontend with it; both are still wanted.
const Situation kFailed{
    .wanted = {"distributor", "querier", "frontend"},
    .running = {"server", "api", "distributor", "codec"},
};

}  // namespace

TEST_SUITE("modules/plan") {
    TEST_CASE("a change becomes steps in the right order") {
        using enum Change::Kind;
        struct Case {
            std::string_view name;
            Situation now;
            Change change;
            std::string_view steps;
            Names wanted;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {"start from nothing",
                  kNothing,
                  {start, {"ingester"}},
                  "+server +api +ingester",
                  {"ingester"}},
                 {"start what runs already", kAll, {start, {"querier"}}, "", kAll.wanted},
                 {"all is its members",
                  kNothing,
                  {start, {"all"}},
                  "+server +api +distributor +ingester +querier +codec +frontend",
                  kAll.wanted},
                 {"stop one that nobody needs",
                  kAll,
                  {stop, {"ingester"}},
                  "-ingester",
                  {"distributor", "querier", "frontend"}},
                 {"what only it needed stops too",
                  kAll,
                  {stop, {"frontend"}},
                  "-frontend -codec",
                  {"distributor", "ingester", "querier"}},
                 {"stop two at once, dependents first",
                  kAll,
                  {stop, {"querier", "frontend"}},
                  "-frontend -codec -querier",
                  {"distributor", "ingester"}},
                 {"stop with all that need it",
                  kAll,
                  {stop, {"querier"}, true},
                  "-frontend -codec -querier",
                  {"distributor", "ingester"}},
                 {"stop what does not run", kNothing, {stop, {"ingester"}}, "", {}},
                 {"stop everything",
                  kAll,
                  {stop, {"all"}},
                  "-frontend -codec -querier -ingester -distributor -api -server",
                  {}},
                 {"restart with dependents",
                  kAll,
                  {restart, {"querier"}},
                  "-frontend -querier +querier +frontend",
                  kAll.wanted},
                 {"restart what does not run",
                  kNothing,
                  {restart, {"ingester"}},
                  "+server +api +ingester",
                  {"ingester"}},
                 {"another target starts before it stops",
                  {{"querier"}, {"server", "api", "querier"}},
                  {set_target, {"ingester"}},
                  "+ingester -querier",
                  {"ingester"}},
                 {"what both targets need runs on",
                  kAll,
                  {set_target, {"read"}},
                  "-ingester -distributor",
                  {"frontend", "querier"}},
                 {"the same target again", kAll, {set_target, {"all"}}, "", kAll.wanted},
                 {"a start brings nothing back but what it names",
                  kFailed,
                  {start, {"ingester"}},
                  "+ingester",
                  {"distributor", "querier", "frontend", "ingester"}},
                 {"a failed module starts again",
                  kFailed,
                  {start, {"frontend"}},
                  "+querier +frontend",
                  kFailed.wanted},
             }) {
            CAPTURE(c.name);
            const auto planned = plan_change(table(), c.now, c.change);
            REQUIRE_OK(planned);
            CHECK(text(planned->steps) == c.steps);
            CHECK(planned->wanted == c.wanted);
        }
    }

    TEST_CASE("what cannot be is refused with every reason") {
        using enum Change::Kind;
        struct Case {
            Change change;
            std::string_view id;
            std::string_view message;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {{stop, {"querier"}},
                  "module-needed",
                  "\"querier\" is needed by frontend: stop them first, or all together with cascade"
                 },
                 {{stop, {"api", "codec"}},
                  "module-needed",
                  "these are needed by distributor, ingester, querier, frontend: stop them first, "
                  "or all together "
                  "with cascade"},
                 {{start, {}}, "module-none-named", "no module is named"},
                 {{start, {"ingster", "all", "zzz"}},
                  "module-unknown",
                  "there is no module \"ingster\"; did you mean \"ingester\"?\nthere is no module "
                  "\"zzz\""},
             }) {
            CAPTURE(c.message);
            const auto planned = plan_change(table(), kAll, c.change);
            REQUIRE_FALSE(planned.has_value());
            CHECK(planned.error().id == c.id);
            const bool conflicts = c.change.kind == stop;
            CHECK(planned.error().kind == (conflicts ? ErrorKind::conflict : ErrorKind::invalid));
            CHECK(planned.error().message == c.message);
        }
    }

    TEST_CASE("a module that always runs is part of what every plan leads to, unnamed") {
        using enum Change::Kind;
        const ModuleTable table = table_with_admin();
        const Situation running{.wanted = {"ingester"}, .running = {"base", "admin", "ingester"}};
        struct Case {
            std::string_view name;
            Situation now;
            Change change;
            std::string_view steps;
            Names wanted;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {"starts with the first start",
                  kNothing,
                  {start, {"ingester"}},
                  "+base +admin +ingester",
                  {"ingester"}},
                 {"starts by its name", kNothing, {start, {"admin"}}, "+base +admin", {}},
                 {"outlives the last stop", running, {stop, {"ingester"}}, "-ingester", {}},
                 {"outlives another target",
                  running,
                  {set_target, {"querier"}},
                  "+querier -ingester",
                  {"querier"}},
                 {"may be a target, of nothing else",
                  running,
                  {set_target, {"admin"}},
                  "-ingester",
                  {}},
                 {"starts again with the next start, when it had failed",
                  {{"ingester"}, {"base", "ingester"}},
                  {start, {"querier"}},
                  "+admin +querier",
                  {"ingester", "querier"}},
             }) {
            CAPTURE(c.name);
            const auto planned = plan_change(table, c.now, c.change);
            REQUIRE_OK(planned);
            CHECK(text(planned->steps) == c.steps);
            CHECK(planned->wanted == c.wanted);
        }
    }

    TEST_CASE("what always runs is neither stopped nor restarted, nor is what it needs") {
        using enum Change::Kind;
        const ModuleTable table = table_with_admin();
        const Situation running{.wanted = {"ingester"}, .running = {"base", "admin", "ingester"}};
        struct Case {
            Change change;
            std::string_view message;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {{stop, {"admin"}, true}, "\"admin\" always runs: it cannot be stopped"},
                 {{restart, {"ingester", "admin"}}, "\"admin\" always runs: it cannot be restarted"
                 },
                 {{stop, {"base", "admin"}, true},
                  "\"base\" is needed by admin, which always runs: it cannot be stopped\n"
                  "\"admin\" always runs: it cannot be stopped"},
                 {{restart, {"base"}},
                  "\"base\" is needed by admin, which always runs: it cannot be restarted"},
             }) {
            CAPTURE(c.message);
            const auto planned = plan_change(table, running, c.change);
            REQUIRE_FALSE(planned.has_value());
            CHECK(planned.error().kind == ErrorKind::conflict);
            CHECK(planned.error().id == "module-always-runs");
            CHECK(planned.error().message == c.message);
        }
    }
}

}  // namespace mimir::modules
