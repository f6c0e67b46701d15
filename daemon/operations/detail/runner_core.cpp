#include "operations/detail/runner_core.hpp"

#include <pthread.h>

#include <algorithm>

#include "api/problems.hpp"
#include "base/assert.hpp"
#include "operations/detail/recovery.hpp"

namespace mimir::operations::detail {
namespace {

using api::OperationState;
using api::StepState;

/// The code by which users look an error up.
std::string code_of(const Error& error) {
    return error.id.empty() ? api::to_problem(error, {}).code : std::string(error.id);
}

/// The last state of a record, by what its run returned.
void end(api::Operation& record, const Result<void>& outcome, TimestampMs now) {
    record.ended = now;
    for (auto& step : record.steps) {
        if (step.state == StepState::planned) step.state = StepState::skipped;
        if (step.state != StepState::running) continue;
        step.state = outcome ? StepState::done : StepState::failed;
        step.ended = now;
        if (!outcome) step.error = outcome.error().message;
    }
    if (outcome) {
        record.state = OperationState::done;
        return;
    }
    const bool canceled = outcome.error().kind == ErrorKind::canceled;
    record.state = canceled ? OperationState::canceled : OperationState::failed;
    record.error = outcome.error().message;
    record.code = code_of(outcome.error());
}

api::Severity severity_of(const api::Operation& record) {
    if (record.state == OperationState::failed) return api::Severity::error;
    return record.warnings.empty() ? api::Severity::info : api::Severity::warning;
}

/// Later numbers are longer, or greater as text.
bool is_newer(const api::Operation& a, const api::Operation& b) {
    return std::pair(a.id.size(), std::string_view(a.id)) >
           std::pair(b.id.size(), std::string_view(b.id));
}

}  // namespace

RunnerCore::RunnerCore(
    Journal& journal,
    EventLog& events,
    telemetry::Logger log,
    RunnerOptions options,
    const Clock& clock
)
    : journal_(journal),
      events_(events),
      log_(log.component("operations")),
      options_(std::move(options)),
      clock_(clock),
      thread_([this] { work(); }) {}

Result<Submitted> RunnerCore::submit(Work work) {
    JobPtr job;
    api::Operation record;
    {
        const std::lock_guard submitting(submitting_);
        if (!work.idempotency_key.empty()) {
            MIMIR_TRY(auto known, journal_.find_by_key(work.idempotency_key));
            if (known && known->fingerprint != work.fingerprint) {
                return fail_with_id(
                    ErrorKind::conflict,
                    "idempotency-key-reused",
                    "the idempotency key names {} ({}), which was another request",
                    known->operation.id,
                    known->operation.summary
                );
            }
            if (known) {
                MIMIR_TRY(auto operation, find(known->operation.id));
                return Submitted{.operation = std::move(operation), .repeated = true};
            }
        }
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) {
                return fail_with_id(
                    ErrorKind::unavailable, "shutting-down", "mimird is shutting down"
                );
            }
            if (queue_.size() >= options_.queue_limit) {
                return fail_with_id(
                    ErrorKind::limit, "operations-full", "{} operations wait already", queue_.size()
                );
            }
        }
        MIMIR_TRY(
            record,
            journal_.create({
                .kind = work.kind,
                .summary = work.summary,
                .requested_by = work.requested_by,
                .idempotency_key = work.idempotency_key,
                .fingerprint = work.fingerprint,
            })
        );
        job = std::make_shared<Job>();
        job->work = std::move(work);
        job->record = record;
        const std::lock_guard lock(mutex_);
        live_.emplace(record.id, job);
        queue_.push_back(std::move(job));
    }
    wake_.notify_all();
    if (options_.changed) options_.changed(record);
    return Submitted{.operation = std::move(record)};
}

Result<api::Operation> RunnerCore::cancel(std::string_view id) {
    JobPtr waiting;
    {
        // So that nothing is in the journal and not yet in the queue.
        const std::lock_guard submitting(submitting_);
        std::unique_lock lock(mutex_);
        const auto at = live_.find(id);
        if (at != live_.end() && !api::has_ended(at->second->record.state)) {
            const JobPtr found = at->second;
            Job& job = *found;
            if (job.committed) {
                return fail(
                    ErrorKind::conflict,
                    "{} is past its point of no return and will be finished: it cannot be canceled",
                    id
                );
            }
            job.cancel.cancel();
            go_on(job, lock);
            const auto queued = std::ranges::find(queue_, found);
            if (queued == queue_.end()) return job.record;
            waiting = std::move(*queued);
            queue_.erase(queued);
            end(waiting->record, fail(ErrorKind::canceled, "canceled before it began"), now());
            ++waiting->record.version;
        }
    }
    if (waiting == nullptr) return tl::unexpected(has_ended(id));
    ended(waiting);
    return waiting->record;
}

/// Why nothing can be done about an operation that does not live.
Error RunnerCore::has_ended(std::string_view id) const {
    const auto operation = find(id);
    if (!operation) return operation.error();
    return Error{
        ErrorKind::conflict,
        "operation-ended",
        fmt::format("{} has ended: {}", id, api::to_string(operation->state))
    };
}

Result<api::Operation> RunnerCore::pause(std::string_view id) {
    {
        const std::lock_guard lock(mutex_);
        const auto at = live_.find(id);
        if (at != live_.end() && !api::has_ended(at->second->record.state)) {
            Job& job = *at->second;
            if (!job.work.can_pause) {
                return fail(ErrorKind::conflict, "{} is done in one go: it can't be paused", id);
            }
            if (job.committed) {
                return fail(
                    ErrorKind::conflict,
                    "{} is past its point of no return and will be finished: it cannot be paused",
                    id
                );
            }
            job.paused = true;
            return job.record;
        }
    }
    return tl::unexpected(has_ended(id));
}

Result<api::Operation> RunnerCore::resume(std::string_view id) {
    {
        std::unique_lock lock(mutex_);
        const auto at = live_.find(id);
        if (at != live_.end() && !api::has_ended(at->second->record.state)) {
            const JobPtr job = at->second;
            job->paused = false;
            go_on(*job, lock);
            return job->record;
        }
    }
    return tl::unexpected(has_ended(id));
}

/// Wakes one that rests, and waits until it says that it does not.
void RunnerCore::go_on(const Job& job, std::unique_lock<std::mutex>& lock) {
    wake_.notify_all();
    wake_.wait(lock, [&] { return job.record.state != OperationState::paused; });
}

Result<void> RunnerCore::rest(Job& job, bool hold, std::string_view why) {
    MIMIR_TRY(job.cancel.check());
    {
        const std::lock_guard lock(mutex_);
        if (hold) job.paused = true;
        if (!job.paused) return {};
    }
    const std::string reason = why.empty() ? "" : fmt::format(": {}", why);
    MIMIR_TRY(intend(job, [](api::Operation& record) { record.state = OperationState::paused; }));
    tell(job, api::Severity::info, "paused" + reason);
    {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return !job.paused || job.cancel.canceled(); });
    }
    observe(job, [](api::Operation& record) { record.state = OperationState::running; });
    wake_.notify_all();
    MIMIR_TRY(job.cancel.check());
    tell(job, api::Severity::info, "goes on");
    return {};
}

Result<api::Operation> RunnerCore::find(std::string_view id) const {
    {
        const std::lock_guard lock(mutex_);
        if (const auto at = live_.find(id); at != live_.end()) return at->second->record;
    }
    return journal_.find(id);
}

Result<std::vector<api::Operation>> RunnerCore::list(std::size_t limit) const {
    // First the live ones: one that ends meanwhile is in the journal, and newer there.
    std::vector<api::Operation> live;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, job] : live_) live.push_back(job->record);
    }
    MIMIR_TRY(auto listed, journal_.list(limit));
    for (auto& record : live) {
        const auto at = std::ranges::find(listed, record.id, &api::Operation::id);
        if (at == listed.end()) {
            listed.push_back(std::move(record));
        } else if (at->version < record.version) {
            *at = std::move(record);
        }
    }
    std::ranges::sort(listed, is_newer);
    if (listed.size() > limit) listed.resize(limit);
    return listed;
}

std::optional<std::string> RunnerCore::current() const {
    const std::lock_guard lock(mutex_);
    if (running_ == nullptr) return std::nullopt;
    return running_->record.id;
}

bool RunnerCore::is_idle() const {
    const std::lock_guard lock(mutex_);
    // By what callers can see: whoever waited for an operation's end finds the runner idle.
    return std::ranges::all_of(live_, [](const auto& live) {
        return api::has_ended(live.second->record.state);
    });
}

void RunnerCore::request_stop() {
    {
        const std::lock_guard submitting(submitting_);
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        if (running_ != nullptr) running_->cancel.cancel();
    }
    wake_.notify_all();
}

void RunnerCore::stop() {
    request_stop();
    std::call_once(joined_, [this] { thread_.join(); });
}

Result<void> RunnerCore::commit(Job& job, std::optional<TargetChange> target_change) {
    const auto set_committed = [&](bool committed) {
        const std::lock_guard lock(mutex_);
        job.committed = committed;
    };
    {
        // Under the lock of cancel(): either it comes first, or it is refused.
        const std::lock_guard lock(mutex_);
        MIMIR_TRY(job.cancel.check());
        job.committed = true;
    }
    const Commit commit{.target_change = std::move(target_change)};
    auto written = intend(job, [](api::Operation&) {}, commit);
    if (!written) set_committed(false);
    return written;
}

void RunnerCore::tell(const Job& job, api::Severity severity, std::string message) const {
    events_.add({
        .severity = severity,
        .kind = "operation",
        .subject = job.record.id,
        .message = std::move(message),
        .operation = job.record.id,
    });
}

void RunnerCore::work() {
    pthread_setname_np(pthread_self(), "operations");
    while (const JobPtr job = next()) run(job);
    cancel_waiting();
    write_ends();
}

/// Waits for the job to run; null when stopping. None runs while the end of another is unwritten: its own rows could not
/// be written either.
JobPtr RunnerCore::next() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || !queue_.empty() || !unwritten_.empty(); });
        if (stopping_) return nullptr;
        if (unwritten_.empty()) {
            running_ = std::move(queue_.front());
            queue_.pop_front();
            running_->record.state = OperationState::running;
            running_->record.started = now();
            ++running_->record.version;
            return running_;
        }
        lock.unlock();
        write_ends();
        lock.lock();
        if (unwritten_.empty()) continue;
        wake_.wait_for(lock, options_.retry_every, [this] { return stopping_; });
    }
}

void RunnerCore::run(const JobPtr& job) {
    log_.info("operation began", {{"operation", job->record.id}, {"summary", job->record.summary}});
    if (options_.changed) options_.changed(job->record);
    tell(*job, api::Severity::info, "began: " + job->record.summary);

    Progress progress(*this, *job);
    const Result<void> outcome = job->work.run(progress);

    bool left_open = false;
    {
        const std::lock_guard lock(mutex_);
        const bool canceled = !outcome && outcome.error().kind == ErrorKind::canceled;
        // Only stop() can have asked: the next start does the rest, and says so.
        left_open = job->committed && stopping_ && canceled;
        if (!left_open) {
            end(job->record, outcome, now());
            if (job->committed && !outcome) {
                add_note(
                    job->record, "it failed after its point of no return: what it chose holds"
                );
            }
            ++job->record.version;
        }
        running_.reset();
    }
    if (left_open) {
        log_.warn("operation left to the next start", {{"operation", job->record.id}});
        return;
    }
    ended(job);
}

void RunnerCore::cancel_waiting() {
    std::deque<JobPtr> waiting;
    {
        const std::lock_guard lock(mutex_);
        waiting.swap(queue_);
        for (const auto& job : waiting) {
            end(job->record, fail(ErrorKind::canceled, "mimird stopped before it began"), now());
            ++job->record.version;
        }
    }
    for (const auto& job : waiting) ended(job);
}

void RunnerCore::ended(const JobPtr& job) {
    const api::Operation& record = job->record;
    if (options_.changed) options_.changed(record);
    const bool written = journal_.save(record).has_value();
    if (job->work.ended) job->work.ended(record);
    job->work = {};
    const std::string_view state = api::to_string(record.state);
    log_.info(
        "operation ended",
        {{"operation", record.id},
         {"state", state},
         {"summary", record.summary},
         {"err", record.error}}
    );
    tell(
        *job,
        severity_of(record),
        record.error.empty() ? fmt::format("{}: {}", state, record.summary)
                             : fmt::format("{}: {}: {}", state, record.summary, record.error)
    );
    const std::lock_guard lock(mutex_);
    if (written) {
        live_.erase(record.id);
    } else {
        unwritten_.push_back(job);
        wake_.notify_all();
    }
}

void RunnerCore::write_ends() {
    std::vector<JobPtr> jobs;
    {
        const std::lock_guard lock(mutex_);
        jobs = unwritten_;
    }
    for (const auto& job : jobs) {
        if (!journal_.save(job->record)) return;
        const std::lock_guard lock(mutex_);
        std::erase(unwritten_, job);
        live_.erase(job->record.id);
    }
}

void RunnerCore::publish(Job& job, api::Operation next) {
    {
        const std::lock_guard lock(mutex_);
        job.record = std::move(next);
    }
    if (options_.changed) options_.changed(job.record);
}

}  // namespace mimir::operations::detail
