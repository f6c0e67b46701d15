#include "modules/module_table.hpp"

#include "support/test_support.hpp"

namespace mimir::modules {
namespace {

Result<std::unique_ptr<Service>> no_service() { return fail(ErrorKind::internal, "never built"); }

/// Rows in an order other than that of their dependencies.
ModuleTable table() {
    return ModuleTable({
        {.name = "querier",
         .targetable = true,
         .in_all = true,
         .dependencies = {"api"},
         .factory = no_service},
        {.name = "api", .dependencies = {"server"}, .factory = no_service},
        {.name = "overrides-exporter",
         .targetable = true,
         .dependencies = {"api"},
         .factory = no_service},
        {.name = "server", .factory = no_service},
        {.name = "ingester",
         .targetable = true,
         .in_all = true,
         .dependencies = {"api", "kv-store"},
         .factory = no_service},
        {.name = "kv-store", .targetable = true, .factory = no_service},
        {.name = "read", .targetable = true, .dependencies = {"querier"}},
    });
}

}  // namespace

TEST_SUITE("modules/module_table") {
    TEST_CASE("dependencies come before dependents") {
        CHECK(
            table().with_dependencies({"ingester", "querier"}) ==
            Names{"server", "api", "querier", "kv-store", "ingester"}
        );
        CHECK(table().with_dependencies({"server"}) == Names{"server"});
        CHECK(table().with_dependencies({}).empty());
    }

    TEST_CASE("a module depends on what its dependencies depend on, and not on itself") {
        CHECK(table().depends_on("querier", "server"));
        CHECK_FALSE(table().depends_on("server", "querier"));
        CHECK_FALSE(table().depends_on("api", "api"));
    }

    TEST_CASE("a module that always runs is needed whatever is wanted, and starts first") {
        const ModuleTable table({
            {.name = "server", .factory = no_service},
            {.name = "ingester", .dependencies = {"server"}, .factory = no_service},
            {.name = "admin", .always = true, .factory = no_service},
        });
        CHECK(table.needed({}) == Names{"admin"});
        CHECK(table.needed({"ingester"}) == Names{"admin", "server", "ingester"});
        CHECK(table.with_dependencies({"ingester"}) == Names{"server", "ingester"});
    }

    TEST_CASE("-modules lists the targets, those that all needs with a star") {
        CHECK(
            table().describe_targets() ==
            "all\n"
            "ingester *\n"
            "kv-store *\n"
            "overrides-exporter\n"
            "querier *\n"
            "read\n"
            "\n"
            "Modules marked with * are included in target All.\n"
        );
    }

    TEST_CASE("a list of names is read as people write it") {
        CHECK(parse_names("ingester, querier,,ingester ,") == Names{"ingester", "querier"});
        CHECK(parse_names(" , ").empty());
        CHECK(parse_names("").empty());
    }

    TEST_CASE("every wrong target is named, with the nearest right one") {
        struct Case {
            Names targets;
            std::string_view message;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {{}, "no target is named"},
                 {{"ingestor"}, "there is no target \"ingestor\"; did you mean \"ingester\"?"},
                 {{"xyz", "api", "all"},
                  "there is no target \"xyz\"\n\"api\" is an internal module, which cannot be a "
                  "target"},
             }) {
            CAPTURE(c.message);
            const auto checked = table().check_targets(c.targets);
            REQUIRE_FALSE(checked.has_value());
            CHECK(checked.error().message == c.message);
        }
        CHECK(table().check_targets({"all", "overrides-exporter", "read"}).has_value());
    }
}

}  // namespace mimir::modules
