#include "operations/runner.hpp"

#include "base/assert.hpp"
#include "operations/detail/recovery.hpp"
#include "operations/detail/runner_core.hpp"

namespace mimir::operations {
namespace {

using api::StepState;

/// "start querier"
std::string name_of(const api::Step& step) { return step.action + " " + step.subject; }

api::Step& step_of(api::Operation& operation, std::size_t index) {
    MIMIR_ASSERT(index < operation.steps.size(), "a step is planned before it is done");
    return operation.steps[index];
}

}  // namespace

Result<void> Progress::plan(std::vector<api::Step> steps) {
    MIMIR_ASSERT(job_.record.steps.empty(), "an operation has one plan");
    return core_.intend(job_, [&](api::Operation& record) { record.steps = std::move(steps); });
}

Result<void> Progress::begins(std::size_t step) {
    MIMIR_TRY(core_.intend(job_, [&](api::Operation& record) {
        step_of(record, step).state = StepState::running;
        step_of(record, step).started = core_.now();
    }));
    core_.tell(job_, api::Severity::info, name_of(job_.record.steps[step]) + ": began");
    return {};
}

void Progress::ended(std::size_t step, const Result<void>& outcome) {
    core_.observe(job_, [&](api::Operation& record) {
        auto& observed = step_of(record, step);
        observed.state = outcome ? StepState::done : StepState::failed;
        observed.ended = core_.now();
        if (!outcome) observed.error = outcome.error().message;
    });
    const std::string name = name_of(job_.record.steps[step]);
    if (outcome) {
        core_.tell(job_, api::Severity::info, name + ": done");
    } else {
        core_.tell(job_, api::Severity::error, name + ": failed: " + outcome.error().message);
    }
}

void Progress::undone(std::size_t step) {
    core_.observe(job_, [&](api::Operation& record) {
        step_of(record, step).state = StepState::undone;
    });
    core_.tell(job_, api::Severity::info, name_of(job_.record.steps[step]) + ": undone");
}

Result<void> Progress::commit(std::optional<TargetChange> target_change) {
    return core_.commit(job_, std::move(target_change));
}

Result<void> Progress::rest(bool hold, std::string_view why) { return core_.rest(job_, hold, why); }

void Progress::warn(std::string text) {
    core_.observe(job_, [&](api::Operation& record) {
        record.warnings.push_back(std::move(text));
    });
}

void Progress::note(std::string_view text) {
    core_.observe(job_, [&](api::Operation& record) { detail::add_note(record, text); });
}

void Progress::report(api::MigrationReport report) {
    core_.observe(job_, [&](api::Operation& record) { record.report = std::move(report); });
}

const CancellationToken& Progress::cancel() const { return job_.cancel; }

Runner::Runner(
    Journal& journal,
    EventLog& events,
    telemetry::Logger log,
    RunnerOptions options,
    const Clock& clock
)
    : core_(std::make_unique<detail::RunnerCore>(
          journal, events, std::move(log), std::move(options), clock
      )) {}

Runner::~Runner() { stop(); }

Result<Submitted> Runner::submit(Work work) { return core_->submit(std::move(work)); }

Result<api::Operation> Runner::cancel(std::string_view id) { return core_->cancel(id); }

Result<api::Operation> Runner::pause(std::string_view id) { return core_->pause(id); }

Result<api::Operation> Runner::resume(std::string_view id) { return core_->resume(id); }

Result<api::Operation> Runner::find(std::string_view id) const { return core_->find(id); }

Result<std::vector<api::Operation>> Runner::list(std::size_t limit) const {
    return core_->list(limit);
}

std::optional<std::string> Runner::current() const { return core_->current(); }
bool Runner::is_idle() const { return core_->is_idle(); }

void Runner::request_stop() { core_->request_stop(); }

void Runner::stop() { core_->stop(); }

}  // namespace mimir::operations
