#include "operations/runner.hpp"

#include <condition_variable>
#include <future>
#include <latch>
#include <map>
#include <mutex>
#include <thread>

#include "support.hpp"

namespace mimir::operations {
namespace {

using namespace test_journal;
using api::OperationState;

/// A runner with all that it needs, and the records that it told.
struct Bench {
    QuickDir dir;
    std::filesystem::path state_dir = dir.path() / "state";
    Journal journal{in(state_dir), {}};
    EventLog events{{}};
    std::mutex mutex;
    std::condition_variable told;
    std::map<std::string, api::Operation> records;
    std::optional<Runner> runner;

    explicit Bench(std::size_t queue_limit = 64) {
        RunnerOptions options;
        options.queue_limit = queue_limit;
        options.retry_every = std::chrono::milliseconds(5);
        options.changed = [this](const api::Operation& record) {
            const std::lock_guard lock(mutex);
            auto& known = records[record.id];
            if (known.version < record.version) known = record;
            told.notify_all();
        };
        runner.emplace(journal, events, telemetry::Logger(), options);
    }
    ~Bench() { runner.reset(); }

    api::Operation wait_for(
        const std::string& id, const std::function<bool(const api::Operation&)>& condition
    ) {
        std::unique_lock lock(mutex);
        const bool seen =
            told.wait_for(lock, std::chrono::seconds(20), [&] { return condition(records[id]); });
        REQUIRE(seen);
        return records[id];
    }
    api::Operation wait_for_end(const std::string& id) {
        return wait_for(id, [](const api::Operation& record) {
            return api::has_ended(record.state);
        });
    }
    bool eventually_written(const std::string& id) {
        return test::eventually(std::chrono::seconds(20), [&] {
            const auto written = journal.find(id);
            return written && api::has_ended(written->state);
        });
    }
    std::vector<std::string> messages() const {
        std::vector<std::string> found;
        for (const auto& event : events.latest(1000)) found.push_back(event.message);
        return found;
    }
};

Work work(std::string summary, std::function<Result<void>(Progress&)> run) {
    return {
        .kind = "start",
        .summary = std::move(summary),
        .requested_by = "ann",
        .fingerprint = "f",
        .run = std::move(run)
    };
}

Result<void> nothing(Progress& /*progress*/) { return {}; }

/// Does not return before it is told to, or canceled.
struct Gate {
    std::promise<void> opened;
    std::shared_future<void> open = opened.get_future().share();
    std::latch entered{1};

    Result<void> pass(Progress& progress) {
        entered.count_down();
        while (open.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
            MIMIR_TRY(progress.cancel().check());
        }
        return {};
    }
    std::function<Result<void>(Progress&)> run() {
        return [this](Progress& progress) { return pass(progress); };
    }
};

}  // namespace

TEST_SUITE("operations/runner") {
    TEST_CASE("an operation does what it planned, and all of it can be seen") {
        Bench bench;
        api::Operation ended;
        Work wanted = work("start querier", [](Progress& progress) -> Result<void> {
            MIMIR_TRY(progress.plan({step("start", "ring"), step("start", "querier")}));
            for (std::size_t i = 0; i < 2; ++i) {
                MIMIR_TRY(progress.begins(i));
                progress.ended(i, {});
            }
            progress.warn("slow");
            progress.note("one");
            progress.note("two");
            return {};
        });
        wanted.ended = [&](const api::Operation& record) { ended = record; };
        const auto submitted = bench.runner->submit(wanted);
        REQUIRE_OK(submitted);
        CHECK_FALSE(submitted->repeated);
        CHECK(submitted->operation.id == "op-1");
        CHECK(submitted->operation.state == OperationState::pending);

        const auto record = bench.wait_for_end("op-1");
        CHECK(record.state == OperationState::done);
        CHECK(states(record) == "done done");
        CHECK(record.warnings == std::vector<std::string>{"slow"});
        CHECK(record.note == "one; two");
        CHECK(record.started.has_value());
        CHECK(record.ended.has_value());
        // pending, running, plan, four rows of steps, warning, two notes, end
        CHECK(record.version == 11);
        REQUIRE(bench.eventually_written("op-1"));
        CHECK(bench.journal.find("op-1")->version == 11);
        bench.runner->stop();
        CHECK(ended.version == 11);
        CHECK(
            bench.messages() ==
            std::vector<std::string>{
                "began: start querier",
                "start ring: began",
                "start ring: done",
                "start querier: began",
                "start querier: done",
                "done: start querier",
            }
        );
        for (const auto& event : bench.events.latest(10)) {
            CHECK(event.kind == "operation");
            CHECK(event.operation == "op-1");
        }
        CHECK(bench.events.latest(1)[0].severity == api::Severity::warning);
    }

    TEST_CASE("an operation that fails keeps the error, its code and what was undone") {
        Bench bench;
        const auto submitted =
            bench.runner->submit(work("start", [](Progress& progress) -> Result<void> {
                MIMIR_TRY(progress.plan({step("start", "a"), step("start", "b"), step("start", "c")}
                ));
                MIMIR_TRY(progress.begins(0));
                progress.ended(0, {});
                MIMIR_TRY(progress.begins(1));
                const Result<void> outcome =
                    fail_with_id(ErrorKind::internal, "module-failed", "b is broken");
                progress.ended(1, outcome);
                progress.undone(0);
                return outcome;
            }));
        REQUIRE_OK(submitted);
        const auto record = bench.wait_for_end("op-1");
        CHECK(record.state == OperationState::failed);
        CHECK(states(record) == "undone failed skipped");
        CHECK(record.steps[1].error == "b is broken");
        CHECK(record.error == "b is broken");
        CHECK(record.code == "module-failed");
        bench.runner->stop();
        CHECK(bench.events.latest(1)[0].severity == api::Severity::error);
        CHECK(bench.events.latest(1)[0].message == "failed: start: b is broken");
    }

    TEST_CASE("an error without an id has its kind's code") {
        Bench bench;
        REQUIRE_OK(bench.runner->submit(work("x", [](Progress&) -> Result<void> {
            return fail(ErrorKind::timeout, "too slow");
        })));
        CHECK(bench.wait_for_end("op-1").code == "timeout");
    }

    TEST_CASE("operations run one at a time, in the order of submission") {
        Bench bench;
        Gate gate;
        std::vector<int> order;
        CHECK(bench.runner->is_idle());
        REQUIRE_OK(bench.runner->submit(work("first", gate.run())));
        CHECK_FALSE(bench.runner->is_idle());
        gate.entered.wait();
        for (int i = 0; i < 5; ++i) {
            REQUIRE_OK(bench.runner->submit(work("next", [&order, i](Progress&) -> Result<void> {
                order.push_back(i);
                return {};
            })));
        }
        CHECK(bench.runner->current() == "op-1");
        CHECK(bench.runner->find("op-1")->state == OperationState::running);
        CHECK(bench.runner->find("op-6")->state == OperationState::pending);
        const auto listed = bench.runner->list(3);
        REQUIRE_OK(listed);
        REQUIRE(listed->size() == 3);
        CHECK((*listed)[0].id == "op-6");
        CHECK((*listed)[2].id == "op-4");
        CHECK(bench.runner->list(100)->back().state == OperationState::running);
        gate.opened.set_value();
        bench.wait_for_end("op-6");
        CHECK(bench.runner->is_idle());
        CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
        bench.runner->stop();
        CHECK_FALSE(bench.runner->current().has_value());
    }

    TEST_CASE("so many wait, and no more") {
        Bench bench(2);
        Gate gate;
        REQUIRE_OK(bench.runner->submit(work("first", gate.run())));
        gate.entered.wait();
        REQUIRE_OK(bench.runner->submit(work("second", nothing)));
        REQUIRE_OK(bench.runner->submit(work("third", nothing)));
        const auto refused = bench.runner->submit(work("fourth", nothing));
        CHECK(refused.error().id == "operations-full");
        CHECK(refused.error().kind == ErrorKind::limit);
        CHECK(bench.runner->list(10)->size() == 3);
        gate.opened.set_value();
        bench.wait_for_end("op-3");
        REQUIRE_OK(bench.runner->submit(work("fourth", nothing)));
    }

    TEST_CASE("the same request with the same key is one operation") {
        Bench bench;
        Gate gate;
        Work wanted = work("start", gate.run());
        wanted.idempotency_key = "k";
        REQUIRE_OK(bench.runner->submit(wanted));
        gate.entered.wait();
        auto repeated = bench.runner->submit(wanted);
        REQUIRE_OK(repeated);
        CHECK(repeated->repeated);
        CHECK(repeated->operation.id == "op-1");
        CHECK(repeated->operation.state == OperationState::running);
        Work other = wanted;
        other.fingerprint = "other";
        CHECK(bench.runner->submit(other).error().id == "idempotency-key-reused");
        CHECK(bench.runner->submit(other).error().kind == ErrorKind::conflict);
        gate.opened.set_value();
        bench.wait_for_end("op-1");
        CHECK(bench.runner->submit(wanted)->operation.state == OperationState::done);
        CHECK(bench.runner->list(10)->size() == 1);
    }

    TEST_CASE("one that waits is canceled without having run") {
        Bench bench;
        Gate gate;
        bool ran = false;
        bool told = false;
        REQUIRE_OK(bench.runner->submit(work("first", gate.run())));
        gate.entered.wait();
        Work second = work("second", [&](Progress&) -> Result<void> {
            ran = true;
            return {};
        });
        second.ended = [&](const api::Operation& record) {
            told = record.state == OperationState::canceled;
        };
        REQUIRE_OK(bench.runner->submit(second));
        const auto canceled = bench.runner->cancel("op-2");
        REQUIRE_OK(canceled);
        CHECK(canceled->state == OperationState::canceled);
        CHECK(canceled->code == "canceled");
        CHECK(told);
        CHECK(bench.journal.find("op-2")->state == OperationState::canceled);
        CHECK(bench.runner->cancel("op-2").error().id == "operation-ended");
        CHECK(bench.runner->cancel("op-2").error().kind == ErrorKind::conflict);
        CHECK(bench.runner->cancel("op-77").error().id == "operation-unknown");
        gate.opened.set_value();
        bench.wait_for_end("op-1");
        bench.runner->stop();
        CHECK_FALSE(ran);
    }

    TEST_CASE("one that runs is asked to stop") {
        Bench bench;
        Gate gate;
        REQUIRE_OK(bench.runner->submit(work("first", [&](Progress& progress) -> Result<void> {
            MIMIR_TRY(progress.plan({step("start", "a"), step("start", "b")}));
            MIMIR_TRY(progress.begins(0));
            const auto outcome = gate.pass(progress);
            progress.ended(0, outcome);
            return outcome;
        })));
        gate.entered.wait();
        REQUIRE_OK(bench.runner->cancel("op-1"));
        const auto record = bench.wait_for_end("op-1");
        CHECK(record.state == OperationState::canceled);
        CHECK(states(record) == "failed skipped");
    }

    TEST_CASE("one that rests is paused between two steps, and goes on when it is resumed") {
        Bench bench;
        Gate gate;
        Work wanted = work("first", [&](Progress& progress) -> Result<void> {
            MIMIR_TRY(progress.plan({step("start", "a"), step("start", "b")}));
            for (std::size_t i = 0; i < 2; ++i) {
                MIMIR_TRY(progress.rest());
                MIMIR_TRY(progress.begins(i));
                if (i == 0) MIMIR_TRY(gate.pass(progress));
                progress.ended(i, {});
            }
            return {};
        });
        wanted.can_pause = true;
        REQUIRE_OK(bench.runner->submit(wanted));
        gate.entered.wait();
        CHECK(bench.runner->pause("op-1")->state == OperationState::running);
        gate.opened.set_value();
        const auto paused = bench.wait_for("op-1", [](const api::Operation& record) {
            return record.state == OperationState::paused;
        });
        CHECK(states(paused) == "done planned");
        CHECK(bench.journal.find("op-1")->state == OperationState::paused);
        CHECK_FALSE(bench.runner->is_idle());
        CHECK(bench.runner->resume("op-1")->state != OperationState::paused);
        CHECK(states(bench.wait_for_end("op-1")) == "done done");
        CHECK(bench.runner->pause("op-1").error().id == "operation-ended");
        CHECK(bench.runner->resume("op-77").error().id == "operation-unknown");
    }

    TEST_CASE("one that holds is canceled by who does not want it, or by the end of the runner") {
        for (const bool ends : {false, true}) {
            Bench bench;
            Work wanted =
                work("first", [](Progress& progress) { return progress.rest(true, "x"); });
            wanted.can_pause = true;
            REQUIRE_OK(bench.runner->submit(wanted));
            bench.wait_for("op-1", [](const api::Operation& record) {
                return record.state == OperationState::paused;
            });
            if (ends) {
                bench.runner->stop();
            } else {
                CHECK(bench.runner->cancel("op-1")->state != OperationState::paused);
            }
            CHECK(bench.wait_for_end("op-1").state == OperationState::canceled);
        }
    }

    TEST_CASE("one that does not rest, or is past its point of no return, is not paused") {
        Bench bench;
        Gate gate;
        REQUIRE_OK(bench.runner->submit(work("first", gate.run())));
        gate.entered.wait();
        CHECK(bench.runner->pause("op-1").error().kind == ErrorKind::conflict);
        gate.opened.set_value();
        bench.wait_for_end("op-1");
        Gate behind;
        Work wanted = work("second", [&](Progress& progress) -> Result<void> {
            MIMIR_TRY(progress.commit(std::nullopt));
            return behind.pass(progress);
        });
        wanted.can_pause = true;
        REQUIRE_OK(bench.runner->submit(wanted));
        behind.entered.wait();
        CHECK(bench.runner->pause("op-2").error().kind == ErrorKind::conflict);
        behind.opened.set_value();
        bench.wait_for_end("op-2");
    }

    TEST_CASE("past its point of no return nobody can cancel an operation") {
        Bench bench;
        Gate gate;
        REQUIRE_OK(bench.runner->submit(work("first", [&](Progress& progress) -> Result<void> {
            MIMIR_TRY(progress.commit(TargetChange{"ingester"}));
            return gate.pass(progress);
        })));
        gate.entered.wait();
        CHECK(bench.journal.stored_target() == "ingester");
        CHECK(bench.runner->cancel("op-1").error().kind == ErrorKind::conflict);
        gate.opened.set_value();
        CHECK(bench.wait_for_end("op-1").state == OperationState::done);
    }

    TEST_CASE("an operation that was canceled does not get past its point of no return") {
        Bench bench;
        REQUIRE_OK(bench.runner->submit(work("first", [&](Progress& progress) -> Result<void> {
            REQUIRE_OK(bench.runner->cancel("op-1"));
            return progress.commit(TargetChange{"ingester"});
        })));
        CHECK(bench.wait_for_end("op-1").state == OperationState::canceled);
        CHECK_FALSE(bench.journal.stored_target().has_value());
    }

    TEST_CASE("a failure past the point of no return is told with what holds") {
        Bench bench;
        REQUIRE_OK(bench.runner->submit(work("first", [](Progress& progress) -> Result<void> {
            MIMIR_TRY(progress.commit(TargetChange{"ingester"}));
            return fail(ErrorKind::internal, "x");
        })));
        const auto record = bench.wait_for_end("op-1");
        CHECK(record.state == OperationState::failed);
        CHECK(record.note.find("what it chose holds") != std::string::npos);
    }

    TEST_CASE("stopping cancels what runs and what waits, and refuses the rest") {
        Bench bench;
        Gate gate;
        std::vector<std::string> ended;
        for (int i = 0; i < 3; ++i) {
            Work wanted = work("x", gate.run());
            wanted.ended = [&](const api::Operation& record) { ended.push_back(record.id); };
            REQUIRE_OK(bench.runner->submit(wanted));
        }
        gate.entered.wait();
        bench.runner->stop();
        CHECK(ended == std::vector<std::string>{"op-1", "op-2", "op-3"});
        for (const auto& id : ended) {
            CHECK(bench.journal.find(id)->state == OperationState::canceled);
        }
        const auto refused = bench.runner->submit(work("late", nothing));
        CHECK(refused.error().id == "shutting-down");
        CHECK(bench.journal.list(10)->size() == 3);
        bench.runner->stop();
    }

    TEST_CASE("a committed operation that a stop cuts short is finished by the next start") {
        Bench bench;
        Gate gate;
        REQUIRE_OK(bench.runner->submit(work("first", [&](Progress& progress) -> Result<void> {
            MIMIR_TRY(progress.plan({step("stop", "querier")}));
            MIMIR_TRY(progress.commit(TargetChange{"ingester"}));
            MIMIR_TRY(progress.begins(0));
            return gate.pass(progress);
        })));
        gate.entered.wait();
        bench.runner->stop();
        CHECK(bench.journal.find("op-1")->state == OperationState::running);
        const auto copy = bench.dir.path() / "copy";
        std::filesystem::copy(bench.state_dir, copy);
        const auto next = open_journal(copy);
        REQUIRE(next->recovered().size() == 1);
        CHECK(next->recovered()[0].state == OperationState::done);
        CHECK(next->stored_target() == "ingester");
    }

    TEST_CASE("without its row in the journal a step does not begin") {
        Bench bench;
        std::promise<void> checked;
        std::optional<Broken> broken;
        REQUIRE_OK(bench.runner->submit(work("first", [&](Progress& progress) -> Result<void> {
            MIMIR_TRY(progress.plan({step("start", "a")}));
            broken.emplace(bench.state_dir);
            const auto begun = progress.begins(0);
            checked.set_value();
            REQUIRE_FALSE(begun);
            CHECK_FALSE(progress.commit(TargetChange{"ingester"}));
            return begun;
        })));
        checked.get_future().wait();
        const auto record = bench.wait_for_end("op-1");
        CHECK(record.state == OperationState::failed);
        CHECK(record.code == "journal-unavailable");
        CHECK(states(record) == "skipped");
        CHECK(
            bench.runner->find("op-1")->state == OperationState::failed
        );  // while the journal does not know
        CHECK(bench.runner->submit(work("second", nothing)).error().id == "journal-unavailable");
        broken->mend();
        REQUIRE(bench.eventually_written("op-1"));
        CHECK(bench.journal.find("op-1")->state == OperationState::failed);
        CHECK_FALSE(bench.journal.stored_target().has_value());
        REQUIRE_OK(bench.runner->submit(work("second", nothing)));
        CHECK(bench.wait_for_end("op-2").state == OperationState::done);
    }

    TEST_CASE("what was observed while the journal could not be written is in its next row") {
        Bench bench;
        Gate gate;
        REQUIRE_OK(bench.runner->submit(work("first", [&](Progress& progress) -> Result<void> {
            MIMIR_TRY(progress.plan({step("start", "a"), step("start", "b")}));
            MIMIR_TRY(progress.begins(0));
            Broken broken(bench.state_dir);
            progress.ended(0, {});
            progress.note("seen");
            CHECK(states(*bench.runner->find("op-1")) == "done planned");
            broken.mend();
            MIMIR_TRY(progress.begins(1));
            return gate.pass(progress);
        })));
        gate.entered.wait();
        CHECK(states(*bench.journal.find("op-1")) == "done running");
        CHECK(bench.journal.find("op-1")->note == "seen");
        gate.opened.set_value();
        CHECK(bench.wait_for_end("op-1").state == OperationState::done);
    }

    TEST_CASE("threads that submit, cancel and look at once see whole operations") {
        Bench bench(1000);
        constexpr int kThreads = 4;
        constexpr int kEach = 25;
        std::atomic<int> begun = 0;
        std::atomic<int> ended = 0;
        std::atomic<int> repeated = 0;
        {
            std::vector<std::jthread> threads;
            for (int t = 0; t < kThreads; ++t) {
                threads.emplace_back([&] {
                    for (int i = 0; i < kEach; ++i) {
                        Work wanted = work("x", [&](Progress& progress) -> Result<void> {
                            MIMIR_TRY(progress.plan({step("start", "a")}));
                            MIMIR_TRY(progress.begins(0));
                            ++begun;
                            progress.ended(0, {});
                            return progress.cancel().check();
                        });
                        wanted.ended = [&](const api::Operation&) { ++ended; };
                        wanted.idempotency_key =
                            "k" + std::to_string(i);  // every thread the same ones
                        const auto submitted = bench.runner->submit(wanted);
                        if (!submitted) continue;
                        repeated += submitted->repeated ? 1 : 0;
                        if (i % 3 == 0) (void)bench.runner->cancel(submitted->operation.id);
                        (void)bench.runner->find(submitted->operation.id);
                        (void)bench.runner->current();
                        if (i % 5 == 0) (void)bench.runner->list(5);
                    }
                });
            }
        }
        for (int i = 1; i <= kEach; ++i) bench.wait_for_end("op-" + std::to_string(i));
        bench.runner->stop();
        CHECK(repeated == (kThreads - 1) * kEach);
        CHECK(ended == kEach);
        CHECK(begun <= kEach);
        const auto listed = bench.journal.list(100);
        REQUIRE_OK(listed);
        CHECK(listed->size() == kEach);
        for (const auto& record : *listed) CHECK(api::has_ended(record.state));
    }
}

}  // namespace mimir::operations
