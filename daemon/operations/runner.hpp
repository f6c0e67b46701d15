#pragma once

// Carries out operations, one at a time, in the order in which they were asked for. Invariants:
//
//   - What an operation will do is in the journal before it does it: the request before submit() returns, the plan and
//     each step before its effect. Where that row cannot be written, the effect must not happen.
//   - What has happened is true in memory at once, and in the journal as soon as that can be written.
//   - A record has one writer at a time: submit() and cancel() while it waits, the runner's thread from then on.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/types.hpp"
#include "base/cancellation.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "operations/event_log.hpp"
#include "operations/journal.hpp"

namespace mimir::operations {

namespace detail {
class RunnerCore;
struct Job;
}  // namespace detail

/// What an operation tells about itself while it runs. Steps are named by their index in the plan.
/// Threads: the one that run was called on.
class Progress final {
  public:
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Says all that will be done, in order; once, before the first step.
    /// Errors: those of the journal; nothing may be done then.
    Result<void> plan(std::vector<api::Step> steps);
    /// To be called before the step's effect.
    /// Errors: as plan(); the step's effect must not happen.
    Result<void> begins(std::size_t step);
    /// What was observed of it.
    void ended(std::size_t step, const Result<void>& outcome);
    /// The step's effect was taken back.
    void undone(std::size_t step);
    /// The point of no return, with the stored target that goes with it: from here on a restart finishes the operation,
    /// and nobody can cancel it (stop() still asks it to end). What is left to do must not make it fail: warn() instead.
    /// Errors: canceled (someone did, just before); those of the journal. The operation is not committed then.
    Result<void> commit(std::optional<TargetChange> target_change);

    /// Where the operation may rest, between two steps: returns at once, unless someone wants it paused, or `hold` does;
    /// then when it is resumed. `why` is told to people.
    /// Errors: canceled; those of the journal.
    Result<void> rest(bool hold = false, std::string_view why = {});

    void warn(std::string text);
    void note(std::string_view text);
    void report(api::MigrationReport report);
    [[nodiscard]] const CancellationToken& cancel() const;

  private:
    friend class detail::RunnerCore;
    Progress(detail::RunnerCore& core, detail::Job& job) : core_(core), job_(job) {}

    detail::RunnerCore& core_;
    detail::Job& job_;
};

struct Work {
    std::string kind;
    std::string summary;
    std::string requested_by;
    /// Empty: none.
    std::string idempotency_key;
    /// What the request was; a key goes with one.
    std::string fingerprint;
    /// It rests now and then (Progress::rest), so that it can be paused.
    bool can_pause = false;
    /// Does it, and undoes on failure what it had done. On the runner's thread.
    std::function<Result<void>(Progress&)> run;
    /// Told the record as it ended, on the thread on which it did; may be empty.
    std::function<void(const api::Operation&)> ended;
};

struct Submitted {
    api::Operation operation;
    /// The same request with the same key was made before; this is its operation, and nothing new was begun.
    bool repeated = false;
};

struct RunnerOptions {
    /// How many operations may wait for the one under way.
    std::size_t queue_limit = 64;
    /// Between two tries to write what is only in memory yet.
    std::chrono::milliseconds retry_every{500};
    /// Called after every change of a record, with no lock held; from several threads, so the version says which is newer.
    std::function<void(const api::Operation&)> changed;
};

/// Threads: any, except that callbacks and run must not call stop().
class Runner {
  public:
    /// Starts its thread. Everything passed by reference outlives the runner.
    Runner(
        Journal& journal,
        EventLog& events,
        telemetry::Logger log,
        RunnerOptions options = {},
        const Clock& clock = system_clock()
    );
    /// stop().
    ~Runner();
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    /// Journals the operation as pending and puts it in the queue.
    /// Errors: idempotency-key-reused (conflict; the key went with another fingerprint), operations-full (limit),
    ///         shutting-down (unavailable), those of the journal.
    Result<Submitted> submit(Work work);

    /// One that waits is canceled at once; one that runs is asked to stop, undoes what it did and ends as canceled.
    /// Errors: operation-unknown; operation-ended; conflict (it is past its point of no return).
    Result<api::Operation> cancel(std::string_view id);

    /// It goes on to where it may rest, and waits there.
    /// Errors: operation-unknown; operation-ended; conflict (it does not rest; it is past its point of no return).
    Result<api::Operation> pause(std::string_view id);
    /// It goes on. Nothing happens when it is not paused.
    /// Errors: operation-unknown; operation-ended.
    Result<api::Operation> resume(std::string_view id);

    /// As it is now, written or not.
    /// Errors: operation-unknown; those of the journal, for one that ended.
    [[nodiscard]] Result<api::Operation> find(std::string_view id) const;
    /// Newest first.
    [[nodiscard]] Result<std::vector<api::Operation>> list(std::size_t limit) const;
    /// Id of the operation that runs.
    [[nodiscard]] std::optional<std::string> current() const;
    /// Whether none runs or waits. What find() tells to have ended neither runs nor waits.
    [[nodiscard]] bool is_idle() const;

    /// Refuses new operations, asks the one that runs to stop, and cancels those that wait. One that is past its point
    /// of no return and gives up because of this stays open in the journal: the next start finishes it. Idempotent.
    void request_stop();
    /// The same, and waits for the end of the one that runs.
    void stop();

  private:
    std::unique_ptr<detail::RunnerCore> core_;
};

}  // namespace mimir::operations
