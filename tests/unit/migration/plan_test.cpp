#include "migration/plan.hpp"

#include "world.hpp"

namespace mimir::migration {
namespace {

using Texts = std::vector<std::string>;

const Names kAllHere = {"ring", "ingester", "weigher", "distributor"};

TEST_SUITE("migration/plan") {
    TEST_CASE("modules leave one by one, and the target is stored before any stops") {
        const auto table = test_table();
        const auto way = plan(table, {.here = kAllHere}, Form::microservices);
        REQUIRE_OK(way);
        CHECK(way->target == Names{"ingester", "gateway"});
        CHECK(way->processes == Names{"weigher", "distributor"});
        CHECK(
            texts(way->steps) ==
            Texts{
                "start gateway",
                "start-process weigher",
                "route-to-process weigher",
                "start-process distributor",
                "prove-process distributor",
                "route-to-process distributor",
                "store-target ingester,gateway",
                "set-target ingester,gateway",
            }
        );
    }

    TEST_CASE("and come back the same way") {
        const auto table = test_table();
        const Situation now{
            .here = {"ring", "ingester", "gateway"}, .beside = {"weigher", "distributor"}
        };
        const auto way = plan(table, now, Form::monolithic);
        REQUIRE_OK(way);
        CHECK(way->target == Names{"all"});
        CHECK(way->processes.empty());
        CHECK(
            texts(way->steps) ==
            Texts{
                "start gateway",
                "start weigher",
                "route-here weigher",
                "start distributor",
                "prove distributor",
                "route-here distributor",
                "store-target all",
                "stop-process distributor",
                "stop-process weigher",
                "set-target all",
            }
        );
    }

    TEST_CASE("a node that has the form already needs nothing") {
        const auto table = test_table();
        const auto whole = plan(table, {.here = kAllHere}, Form::monolithic);
        REQUIRE_OK(whole);
        CHECK(whole->steps.empty());
        const Situation split{
            .here = {"ring", "ingester", "gateway"}, .beside = {"weigher", "distributor"}
        };
        const auto way = plan(table, split, Form::microservices);
        REQUIRE_OK(way);
        CHECK(way->steps.empty());
    }

    TEST_CASE("one that is half-way is planned to its end, in both directions") {
        const auto table = test_table();
        const Situation now{
            .here = {"ring", "ingester", "weigher", "gateway"}, .beside = {"distributor"}
        };
        for (const Form form : {Form::monolithic, Form::microservices}) {
            const auto way = plan(table, now, form);
            REQUIRE_OK(way);
            CHECK(!way->steps.empty());
        }
    }

    TEST_CASE("only the process that has the data is a node") {
        const auto table = test_table();
        const auto way = plan(table, {.here = {"ring", "weigher"}}, Form::microservices);
        REQUIRE(!way);
        CHECK(way.error().id == "migration-not-a-node");
        CHECK(way.error().message.find("ingester") != std::string::npos);
    }

    TEST_CASE("steps say what must be seen, and what takes them back") {
        const auto table = test_table();
        for (const Form form : {Form::monolithic, Form::microservices}) {
            const Situation half{.here = {"ingester", "weigher"}, .beside = {"distributor"}};
            const auto way = plan(table, half, form);
            REQUIRE_OK(way);
            for (const Step& step : way->steps) {
                const api::Step shown = to_api(step);
                CAPTURE(shown.action);
                CHECK(!shown.gate.empty());
                const bool is_reversible =
                    shown.action.starts_with("start") || shown.action.starts_with("route");
                const bool after_commit = shown.action == "stop-process";
                CHECK((after_commit || is_reversible != shown.undo.empty()));
            }
        }
    }
}

}  // namespace
}  // namespace mimir::migration
