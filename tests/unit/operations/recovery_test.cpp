#include "operations/detail/recovery.hpp"

#include "support.hpp"

namespace mimir::operations {

using api::OperationState;
using api::StepState;
using test_journal::states;
using test_journal::step;

namespace {

api::Operation interrupted() {
    api::Operation operation{.id = "op-7", .state = OperationState::running, .version = 5};
    operation.steps = {step("start", "a"), step("start", "b"), step("stop", "c")};
    operation.steps[0].state = StepState::done;
    operation.steps[1].state = StepState::running;
    return operation;
}

}  // namespace

TEST_SUITE("operations/recovery") {
    TEST_CASE("what was committed is finished") {
        const auto ended = detail::end_interrupted(interrupted(), true, {99});
        CHECK(ended.state == OperationState::done);
        CHECK(states(ended) == "done done done");
        CHECK(ended.version == 6);
        CHECK(ended.ended == TimestampMs{99});
        CHECK(ended.code.empty());
        CHECK(ended.note.find("finished by the restart of mimird") == 0);
        CHECK(ended.note.find("at step 2 of 3 (start b)") != std::string::npos);
    }

    TEST_CASE("what was not committed is undone") {
        auto operation = interrupted();
        operation.note = "before";
        const auto ended = detail::end_interrupted(operation, false, {99});
        CHECK(ended.state == OperationState::failed);
        CHECK(ended.code == "operation-interrupted");
        CHECK(states(ended) == "undone undone skipped");
        CHECK(ended.note.find("before; mimird ended at step 2 of 3 (start b)") == 0);
        CHECK(ended.note.find("runs its target as before") != std::string::npos);
    }

    TEST_CASE("a reload is finished however far it was: a start reads the file") {
        auto operation = interrupted();
        operation.kind = "reload-config";
        const auto ended = detail::end_interrupted(operation, false, {99});
        CHECK(ended.state == OperationState::done);
        CHECK(states(ended) == "done done done");
        CHECK(ended.code.empty());
        CHECK(
            ended.note.find("read the configuration file, and mimird ended at step 2") !=
            std::string::npos
        );
    }

    TEST_CASE("what failed or was undone before stays so") {
        auto operation = interrupted();
        operation.steps[0].state = StepState::undone;
        operation.steps[1].state = StepState::failed;
        CHECK(states(detail::end_interrupted(operation, false, {99})) == "undone failed skipped");
    }

    TEST_CASE("the place is told between steps, before and after them too") {
        auto operation = interrupted();
        const auto error = [&] { return detail::end_interrupted(operation, false, {99}).error; };
        operation.steps[1].state = StepState::done;
        CHECK(error() == "mimird ended before step 3 of 3 (stop c)");
        operation.steps[2].state = StepState::done;
        CHECK(error() == "mimird ended after its last step");
        operation.steps.clear();
        CHECK(error() == "mimird ended before its first step");
        operation.state = OperationState::pending;
        CHECK(error() == "mimird ended before it began");
    }
}

}  // namespace mimir::operations
