#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "operations/runner.hpp"

namespace mimir::operations::detail {

/// One operation from submit() until its end is in the journal.
struct Job {
    Work work;
    /// Written under the core's mutex by the record's one writer, which may read it without.
    api::Operation record;
    CancellationToken cancel = CancellationToken::create();
    /// Past its point of no return, or writing that it is. Guarded by the core's mutex.
    bool committed = false;
    /// It is to rest. Guarded by the core's mutex.
    bool paused = false;
};
using JobPtr = std::shared_ptr<Job>;

/// The runner's inside: also what Progress writes through.
class RunnerCore {
  public:
    RunnerCore(
        Journal& journal,
        EventLog& events,
        telemetry::Logger log,
        RunnerOptions options,
        const Clock& clock
    );

    Result<Submitted> submit(Work work);
    Result<api::Operation> cancel(std::string_view id);
    Result<api::Operation> pause(std::string_view id);
    Result<api::Operation> resume(std::string_view id);
    Result<api::Operation> find(std::string_view id) const;
    Result<std::vector<api::Operation>> list(std::size_t limit) const;
    std::optional<std::string> current() const;
    bool is_idle() const;
    void request_stop();
    void stop();

    // For Progress.
    /// Writes the record with the change first; it counts only if that succeeds.
    template <class F>
    Result<void> intend(Job& job, F change, const std::optional<Commit>& commit = std::nullopt) {
        api::Operation next = job.record;
        change(next);
        ++next.version;
        MIMIR_TRY(journal_.save(next, commit));
        publish(job, std::move(next));
        return {};
    }
    /// The record says so at once; the journal now, or with its next row, as each holds the whole record.
    template <class F>
    void observe(Job& job, F change) {
        api::Operation next = job.record;
        change(next);
        ++next.version;
        publish(job, std::move(next));
        (void)journal_.save(job.record);
    }
    Result<void> commit(Job& job, std::optional<TargetChange> target_change);
    Result<void> rest(Job& job, bool hold, std::string_view why);
    void tell(const Job& job, api::Severity severity, std::string message) const;
    [[nodiscard]] TimestampMs now() const { return clock_.now(); }

  private:
    void work();
    JobPtr next();
    void run(const JobPtr& job);
    void cancel_waiting();
    void go_on(const Job& job, std::unique_lock<std::mutex>& lock);
    Error has_ended(std::string_view id) const;
    /// Makes the end of a job known; the record has its last state.
    void ended(const JobPtr& job);
    void write_ends();
    void publish(Job& job, api::Operation next);

    Journal& journal_;
    EventLog& events_;
    const telemetry::Logger log_;
    const RunnerOptions options_;
    const Clock& clock_;

    /// Taken before mutex_: makes "look for the key, then create" one thing, and keeps it apart from stop().
    std::mutex submitting_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::deque<JobPtr> queue_;
    JobPtr running_;
    /// Jobs that wait, run, or have ended without the journal knowing.
    std::map<std::string, JobPtr, std::less<>> live_;
    /// Of those the ended ones.
    std::vector<JobPtr> unwritten_;

    std::once_flag joined_;
    std::thread thread_;
};

}  // namespace mimir::operations::detail
