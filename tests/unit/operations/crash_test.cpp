// The process ends right before and right after every transaction of an operation; the next one must find the state
// before it or the one after, and a record that says which.

#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "operations/runner.hpp"
#include "support.hpp"

namespace mimir::operations {
namespace {

using namespace test_journal;
using api::OperationState;

constexpr int kCrashed = 99;

Result<void> do_step(Progress& progress, std::size_t index) {
    MIMIR_TRY(progress.begins(index));
    progress.ended(index, {});
    return {};
}

Result<void> committing(Progress& progress, Runner& /*runner*/) {
    MIMIR_TRY(progress.plan(
        {step("start", "a"), step("start", "b"), step("stop", "c"), step("stop", "d")}
    ));
    MIMIR_TRY(do_step(progress, 0));
    MIMIR_TRY(do_step(progress, 1));
    MIMIR_TRY(progress.commit(TargetChange{"new"}));
    MIMIR_TRY(do_step(progress, 2));
    return do_step(progress, 3);
}

Result<void> plain(Progress& progress, Runner& /*runner*/) {
    MIMIR_TRY(progress.plan({step("start", "a"), step("start", "b")}));
    MIMIR_TRY(do_step(progress, 0));
    return do_step(progress, 1);
}

Result<void> failing(Progress& progress, Runner& /*runner*/) {
    MIMIR_TRY(progress.plan({step("start", "a"), step("start", "b"), step("start", "c")}));
    MIMIR_TRY(do_step(progress, 0));
    MIMIR_TRY(progress.begins(1));
    const Result<void> outcome = fail(ErrorKind::internal, "broken");
    progress.ended(1, outcome);
    progress.undone(0);
    return outcome;
}

Result<void> canceled(Progress& progress, Runner& runner) {
    MIMIR_TRY(progress.plan({step("start", "a"), step("start", "b")}));
    MIMIR_TRY(do_step(progress, 0));
    MIMIR_TRY(runner.cancel("op-2"));
    const auto committed = progress.commit(TargetChange{"new"});
    progress.undone(0);
    return committed;
}

struct Kind {
    const char* name;
    Result<void> (*run)(Progress&, Runner&);
    OperationState end;
    /// What its record may be after a crash, besides interrupted.
    bool changes_target;
};

constexpr Kind kKinds[] = {
    {"committing", committing, OperationState::done, true},
    {"plain", plain, OperationState::done, false},
    {"failing", failing, OperationState::failed, false},
    {"canceled", canceled, OperationState::canceled, false},
};

/// One process: the request into the audit log, the operation, its outcome into the audit log.
void live(
    const std::filesystem::path& dir, const Kind& kind, TransactionPoint point, int crash_at
) {
    int count = 0;
    auto options = in(dir);
    options.on_transaction = [&](TransactionPoint now) {
        if (now == point && ++count == crash_at) ::_exit(kCrashed);
    };
    Journal journal(options, {});
    EventLog events({});
    IN_CHILD_CHECK(journal.open());
    std::mutex mutex;
    std::condition_variable told;
    bool ended = false;
    Runner runner(journal, events, {});
    auto request = entry("x", "y");
    const auto asked = journal.audit(request);
    IN_CHILD_CHECK(asked);
    Work work{.kind = "x", .summary = kind.name, .requested_by = "ann", .fingerprint = "f"};
    work.run = [&](Progress& progress) { return kind.run(progress, runner); };
    work.ended = [&](const api::Operation& record) {
        auto outcome = request;
        outcome.outcome = api::to_string(record.state);
        outcome.of = *asked;
        (void)journal.audit(outcome);
        const std::lock_guard lock(mutex);
        ended = true;
        told.notify_all();
    };
    IN_CHILD_CHECK(runner.submit(work));
    std::unique_lock lock(mutex);
    told.wait(lock, [&] { return ended; });
}

void check_state(const std::filesystem::path& dir, const Kind& kind, bool crashed) {
    const auto journal = open_journal(dir);
    CHECK(journal->notes().empty());
    const auto listed = journal->list(10);
    REQUIRE_OK(listed);
    REQUIRE(listed->size() >= 1);
    bool done = false;
    for (const auto& record : *listed) {
        CHECK(api::has_ended(record.state));
        CHECK(record.ended.has_value());
        for (const auto& step : record.steps) {
            CHECK(step.state != api::StepState::planned);
            CHECK(step.state != api::StepState::running);
        }
        if (record.id == "op-1") continue;
        done = record.state == OperationState::done;
        const bool interrupted = record.code == "operation-interrupted";
        if (!crashed) CHECK_FALSE(interrupted);
        if (interrupted) {
            CHECK(record.state == OperationState::failed);
            for (const auto& step : record.steps) CHECK(step.state != api::StepState::done);
        } else {
            CHECK(record.state == kind.end);
        }
    }
    const bool is_new = journal->stored_target() == "new";
    if (!is_new) CHECK(journal->stored_target() == "old");
    CHECK(is_new == (done && kind.changes_target));
    REQUIRE_OK(journal->verify_audit());
    // And life goes on.
    REQUIRE_OK(journal->audit(entry("start", "x")));
    store_target(*journal, "next");
}

}  // namespace

TEST_SUITE("operations/crash") {
    TEST_CASE("an end of the process at any transaction leaves the state before or after") {
        const QuickDir dir;
        const auto origin = dir.path() / "origin";
        const auto state_dir = dir.path() / "state";
        CHECK(in_child([&] { store_target(*open_journal(origin), "old"); }) == "");
        for (const auto& kind : kKinds) {
            CAPTURE(std::string(kind.name));
            for (const auto point :
                 {TransactionPoint::before_commit, TransactionPoint::after_commit}) {
                int crashes = 0;
                for (bool crashed = true; crashed; crashes += crashed ? 1 : 0) {
                    CAPTURE(crashes);
                    REQUIRE(crashes < 50);
                    std::filesystem::remove_all(state_dir);
                    std::filesystem::copy(origin, state_dir);
                    const auto end = in_child([&] { live(state_dir, kind, point, crashes + 1); });
                    crashed = end == fmt::format("exit {}", kCrashed);
                    if (!crashed) REQUIRE(end == "");
                    check_state(state_dir, kind, crashed);
                }
                // boot, request, create, plan, each step twice, end, outcome: none was left out
                CHECK(crashes >= 8);
            }
        }
    }
}

}  // namespace mimir::operations
