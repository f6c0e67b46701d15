#include "migration/migration.hpp"

#include <atomic>
#include <future>
#include <thread>

#include "operations/event_log.hpp"
#include "world.hpp"

namespace mimir::migration {
namespace {

using api::OperationState;
using api::StepState;

/// Migrates a node in memory, by a real journal and runner.
struct Bench {
    test::TempDir dir;
    operations::Journal journal{{.dir = dir.path()}, {}};
    operations::EventLog events{{}};
    operations::Runner runner{journal, events, {}};
    modules::ModuleTable table = test_table();
    FakeNode node{table};
    std::string id;

    api::Operation migrate(Form form, Options options = {}) {
        const auto way = plan(table, node.observe(), form);
        REQUIRE_OK(way);
        std::promise<void> ended;
        auto submitted = runner.submit({
            .kind = "migrate",
            .summary = "migrate",
            .requested_by = "test",
            .idempotency_key = {},
            .fingerprint = {},
            .run = [&](operations::Progress& progress
                   ) { return carry_out(node, *way, options, progress); },
            .ended = [&](const api::Operation&) { ended.set_value(); },
        });
        REQUIRE_OK(submitted);
        id = submitted->operation.id;
        ended.get_future().wait();
        return *runner.find(id);
    }
    /// What is stored is what the file says, too.
    [[nodiscard]] bool is_monolithic() const {
        return node.here.contains("distributor") && node.beside.empty() && node.routes.empty() &&
               !node.here.contains("gateway") && node.stored_target == Names{"all"} &&
               journal.processes().empty();
    }
    [[nodiscard]] bool is_split() const {
        return !node.here.contains("distributor") && node.here.contains("gateway") &&
               node.beside == std::set<std::string>{"weigher", "distributor"} &&
               node.routes.empty() && journal.stored_target() == "ingester,gateway" &&
               journal.processes() == Names{"weigher", "distributor"};
    }
};

TEST_SUITE("migration/migration") {
    TEST_CASE("there and back, with every component served all along") {
        Bench bench;
        REQUIRE(bench.is_monolithic());
        for (int round = 0; round < 3; ++round) {
            const auto there = bench.migrate(Form::microservices);
            CHECK(there.state == OperationState::done);
            CHECK(there.warnings.empty());
            CHECK(there.report->canaries == static_cast<std::uint64_t>(bench.node.calls));
            CHECK(bench.node.watches == 0);
            CHECK(std::ranges::all_of(there.steps, [](const api::Step& step) {
                return step.state == StepState::done;
            }));
            CHECK(bench.is_split());
            const auto back = bench.migrate(Form::monolithic);
            CHECK(back.state == OperationState::done);
            CHECK(bench.is_monolithic());
            CHECK(bench.journal.stored_target() == "all");
        }
    }

    TEST_CASE("one that holds waits before the point of no return, with old and new instances") {
        Bench bench;
        std::atomic<bool> was_held = false;
        std::jthread completes([&](const std::stop_token& stop) {
            while (!stop.stop_requested() && !was_held) {
                const auto record = bench.runner.find("op-1");
                if (record && record->state == OperationState::paused) {
                    was_held = bench.node.here.contains("distributor") &&
                               bench.node.beside.contains("distributor") &&
                               !bench.journal.stored_target();
                    CHECK(bench.runner.resume("op-1"));
                }
                std::this_thread::yield();
            }
        });
        CHECK(bench.migrate(Form::microservices, {.hold = true}).state == OperationState::done);
        completes.join();
        CHECK(was_held);
        CHECK(bench.is_split());
    }

    TEST_CASE("whatever fails before the point of no return, all is as before") {
        for (const Form form : {Form::microservices, Form::monolithic}) {
            bool was_committed = false;
            for (int at = 1; !was_committed; ++at) {
                CAPTURE(at);
                Bench bench;
                if (form == Form::monolithic) bench.migrate(Form::microservices);
                bench.node.calls = 0;
                bench.node.fails_at = at;
                const auto record = bench.migrate(form);
                was_committed = record.state == OperationState::done;
                if (was_committed) {
                    CHECK(!record.warnings.empty());
                    break;
                }
                CHECK(record.state == OperationState::failed);
                CHECK(record.error.find("does not work") != std::string::npos);
                CHECK((form == Form::microservices ? bench.is_monolithic() : bench.is_split()));
                CHECK(std::ranges::none_of(record.steps, [](const api::Step& step) {
                    return step.state == StepState::running || step.state == StepState::planned;
                }));
            }
        }
    }

    TEST_CASE("so it is when it is canceled") {
        for (int at = 1; at <= 6; ++at) {
            CAPTURE(at);
            Bench bench;
            bench.node.before_call = [&](int call) {
                if (call == at) {
                    const auto listed = bench.runner.current();
                    REQUIRE(listed);
                    REQUIRE_OK(bench.runner.cancel(*listed));
                }
            };
            const auto record = bench.migrate(Form::microservices);
            CHECK(record.state == OperationState::canceled);
            CHECK(bench.is_monolithic());
        }
    }

    TEST_CASE("a rehearsal does everything but the last, and leaves nothing") {
        Bench bench;
        const auto record = bench.migrate(Form::microservices, {.rehearse = true});
        CHECK(record.state == OperationState::done);
        CHECK(record.note.find("rehearsal") != std::string::npos);
        CHECK(bench.node.calls > 6);
        CHECK(bench.is_monolithic());
        CHECK(!bench.journal.stored_target());
    }

    TEST_CASE("what ran before the migration is not stopped by its undoing") {
        Bench bench;
        bench.node.here.insert("gateway");
        bench.node.beside.insert("weigher");
        bench.node.fails_at = 4;
        const auto record = bench.migrate(Form::microservices);
        CHECK(record.state == OperationState::failed);
        CHECK(bench.node.here.contains("gateway"));
        CHECK(bench.node.beside == std::set<std::string>{"weigher"});
    }
}

}  // namespace
}  // namespace mimir::migration
