#include "operations/detail/recovery.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mimir::operations::detail {
namespace {

using api::StepState;

/// "at step 2 of 4 (stop querier)"
std::string place_of(const api::Operation& operation) {
    const auto& steps = operation.steps;
    if (operation.state == api::OperationState::pending) return "before it began";
    const auto at = std::ranges::find_if(steps, [](const api::Step& step) {
        return step.state == StepState::running || step.state == StepState::planned;
    });
    if (at == steps.end()) return steps.empty() ? "before its first step" : "after its last step";
    return fmt::format(
        "{} step {} of {} ({} {})",
        at->state == StepState::running ? "at" : "before",
        at - steps.begin() + 1,
        steps.size(),
        at->action,
        at->subject
    );
}

StepState finished(StepState state) {
    const bool open = state == StepState::running || state == StepState::planned;
    return open ? StepState::done : state;
}

StepState given_up(StepState state) {
    switch (state) {
        case StepState::done:
        case StepState::running: return StepState::undone;
        case StepState::planned: return StepState::skipped;
        default: return state;
    }
}

/// A start reads the configuration file: it does what a reload was to do, however far that was.
constexpr std::string_view kReload = "reload-config";

}  // namespace

api::Operation end_interrupted(api::Operation operation, bool committed, TimestampMs now) {
    const std::string place = place_of(operation);
    const bool is_reload = operation.kind == kReload;
    const bool is_finished = committed || is_reload;
    for (auto& step : operation.steps) {
        if (step.state == StepState::running) step.ended = now;
        step.state = is_finished ? finished(step.state) : given_up(step.state);
    }
    operation.ended = now;
    ++operation.version;
    if (is_finished) {
        operation.state = api::OperationState::done;
        add_note(
            operation,
            fmt::format(
                "finished by the restart of mimird: {}, and mimird ended {}",
                is_reload ? "it read the configuration file" : "it was committed",
                place
            )
        );
    } else {
        operation.state = api::OperationState::failed;
        operation.code = "operation-interrupted";
        operation.error = fmt::format("mimird ended {}", place);
        add_note(
            operation,
            fmt::format("mimird ended {}; since its restart it runs its target as before", place)
        );
    }
    return operation;
}

void add_note(api::Operation& operation, std::string_view text) {
    if (!operation.note.empty()) operation.note += "; ";
    operation.note += text;
}

}  // namespace mimir::operations::detail
