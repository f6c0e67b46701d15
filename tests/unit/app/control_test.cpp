#include "admin/control.hpp"

#include "test_node.hpp"

namespace mimir::app {
namespace {

const admin::Caller kCaller{.name = "test", .via = "unix", .role = api::Role::change};

/// Whether something was begun; waits for it to end.
bool changes(TestNode& node, const Result<api::ChangeResult>& result) {
    REQUIRE_OK(result);
    if (!result->operation) return false;
    const auto& runner = node.control().environment().runner;
    test::eventually(std::chrono::seconds(10), [&] {
        const auto record = runner.find(result->operation->id);
        return record && has_ended(record->state);
    });
    return true;
}

}  // namespace

TEST_SUITE("app/control") {
    // After the first operation the daemon took one to be under way for ever, and did everything again.
    TEST_CASE("asking for what is so already is nothing to do, also after other operations") {
        TestNode node;
        const auto stop = [&] {
            return node.control().change(kCaller, modules::Change::Kind::stop, {"querier"}, {});
        };
        const auto set_target = [&] {
            return node.control().set_target(kCaller, {"querier", "distributor"}, {});
        };
        for (int round = 0; round < 3; ++round) {
            CAPTURE(round);
            CHECK(changes(node, set_target()) == (round == 0));
            CHECK_FALSE(changes(node, set_target()));
        }
        CHECK(changes(node, stop()));
        const auto again = stop();
        CHECK_FALSE(changes(node, again));
        CHECK_FALSE(again->changed);
        CHECK(again->message == "querier does not run already");
    }
}

}  // namespace mimir::app
