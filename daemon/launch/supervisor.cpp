// The built-in launcher: one thread that looks after all processes.

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "launch/child.hpp"
#include "launch/detail/readiness.hpp"
#include "launch/launcher.hpp"

namespace mimir::launch {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::steady_clock::time_point;

/// Between two looks at each process.
constexpr std::chrono::milliseconds kLookInterval = 50ms;
/// Between two questions to one that runs.
constexpr std::chrono::milliseconds kAskInterval = 1s;

class Supervisor final : public Launcher {
  public:
    Supervisor(SupervisorOptions options, telemetry::Logger log, const Clock& clock)
        : options_(std::move(options)),
          log_(std::move(log)),
          clock_(clock),
          thread_([this](const std::stop_token& stop) { look_after(stop); }) {}

    void start(ProcessSpec spec) override {
        const std::lock_guard lock(mutex_);
        auto& kept = kept_[spec.name];
        if (kept.state == ProcessState::stopping) kept.begins_again = true;
        if (!kept.spec.name.empty() && kept.state != ProcessState::failed) return;
        kept = {.spec = std::move(spec), .since = clock_.now(), .due = clock_.steady_now()};
        news_.notify_all();
    }

    Result<void> stop(const ProcessSpec& spec, std::chrono::milliseconds grace) override {
        std::unique_lock lock(mutex_);
        if (!kept_.contains(spec.name)) {
            MIMIR_TRY(auto found, Child::listening_at(spec.admin_socket));
            if (!found) return {};
            kept_[spec.name] = {.spec = spec, .child = *std::move(found)};
        }
        Kept& kept = kept_[spec.name];
        set(kept, ProcessState::stopping);
        if (!kept.child) {
            kept_.erase(spec.name);
            return {};
        }
        kept.child->signal(SIGTERM);
        const auto is_gone = [&] {
            const auto at = kept_.find(spec.name);
            return at == kept_.end() || at->second.state != ProcessState::stopping;
        };
        if (news_.wait_for(lock, grace, is_gone)) return {};
        kept_[spec.name].child->signal(SIGKILL);
        news_.wait(lock, is_gone);
        return fail(
            ErrorKind::timeout,
            "the process {} did not end within {} ms, and was killed",
            spec.name,
            grace.count()
        );
    }

    [[nodiscard]] std::vector<ProcessStatus> list() const override {
        const std::lock_guard lock(mutex_);
        std::vector<ProcessStatus> all;
        for (const auto& [name, kept] : kept_) {
            all.push_back({
                .name = name,
                .state = kept.state,
                .pid = kept.child ? kept.child->pid() : 0,
                .since = kept.since,
                .restarts = kept.restarts,
                .error = kept.error,
            });
        }
        return all;
    }

  private:
    struct Kept {
        ProcessSpec spec;
        ProcessState state = ProcessState::starting;
        std::optional<Child> child = {};
        TimestampMs since = {};
        Time began = {};
        /// When it is begun, while there is no child; when it is asked, while there is one.
        Time due = {};
        std::uint32_t restarts = 0;
        std::string error = {};
        /// Someone wants it again while it stops.
        bool begins_again = false;
    };

    void look_after(const std::stop_token& stop) {
        ::pthread_setname_np(::pthread_self(), "launcher");
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested()) {
            for (const std::string& name : names()) look_at(name, lock);
            news_.wait_for(lock, stop, kLookInterval, [] { return false; });
        }
    }

    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& [name, kept] : kept_) all.push_back(name);
        return all;
    }

    /// With the lock, which it lets go while it waits for anybody.
    void look_at(const std::string& name, std::unique_lock<std::mutex>& lock) {
        const auto at = kept_.find(name);
        if (at == kept_.end()) return;
        Kept& kept = at->second;
        if (kept.child) {
            if (auto how = kept.child->ended()) return end(kept, *std::move(how));
        }
        const bool is_quiet =
            kept.state == ProcessState::stopping || kept.state == ProcessState::failed;
        if (is_quiet || clock_.steady_now() < kept.due) return;
        if (kept.child) {
            question(name, kept.spec.admin_socket, lock);
        } else {
            begin(kept);
        }
    }

    void begin(Kept& kept) {
        auto running = Child::listening_at(kept.spec.admin_socket);
        Result<Child> child = fail(ErrorKind::unavailable, "");
        if (running && *running) {
            child = *std::move(*running);
            log_.info("process taken over", {{"process", kept.spec.name}, {"pid", child->pid()}});
        } else {
            child = Child::spawn(options_.program, kept.spec.arguments);
            if (child) {
                log_.info("process started", {{"process", kept.spec.name}, {"pid", child->pid()}});
            }
        }
        kept.began = clock_.steady_now();
        if (!child) return end(kept, child.error().message);
        kept.child = *std::move(child);
        kept.due = kept.began;
        set(kept, ProcessState::starting);
    }

    void question(
        const std::string& name,
        const std::filesystem::path& socket,
        std::unique_lock<std::mutex>& lock
    ) {
        const std::filesystem::path asked = socket;
        lock.unlock();
        const auto answer = check_ready(asked);
        lock.lock();
        const auto at = kept_.find(name);
        if (at == kept_.end() || !at->second.child) return;
        Kept& kept = at->second;
        if (kept.state == ProcessState::stopping) return;
        kept.error = answer ? "" : answer.error().message;
        if (answer) kept.due = clock_.steady_now() + kAskInterval;
        set(kept, answer ? ProcessState::running : ProcessState::starting);
    }

    void end(Kept& kept, std::string how) {
        kept.child.reset();
        const std::string name = kept.spec.name;
        if (kept.state == ProcessState::stopping) {
            log_.info("process stopped", {{"process", name}, {"how", how}});
            if (kept.begins_again) {
                kept = {
                    .spec = std::move(kept.spec), .since = clock_.now(), .due = clock_.steady_now()
                };
            } else {
                kept_.erase(name);
            }
            news_.notify_all();
            return;
        }
        const Time now = clock_.steady_now();
        if (now - kept.began >= options_.good_run) kept.restarts = 0;
        kept.error = std::move(how);
        if (kept.restarts == options_.restarts_max) {
            log_.error("process given up", {{"process", name}, {"err", kept.error}});
            return set(kept, ProcessState::failed);
        }
        const auto backoff = std::min(
            options_.backoff_min * (std::int64_t{1} << std::min(kept.restarts, 20U)),
            options_.backoff_max
        );
        ++kept.restarts;
        kept.due = now + backoff;
        log_.warn(
            "process ended, and is started again",
            {{"process", name}, {"err", kept.error}, {"after", backoff}}
        );
        set(kept, ProcessState::waiting);
    }

    void set(Kept& kept, ProcessState state) {
        if (kept.state != state) kept.since = clock_.now();
        kept.state = state;
        news_.notify_all();
    }

    const SupervisorOptions options_;
    const telemetry::Logger log_;
    const Clock& clock_;

    mutable std::mutex mutex_;
    std::condition_variable_any news_;
    std::map<std::string, Kept> kept_;
    std::jthread thread_;  // last: it uses the rest
};

}  // namespace

std::string_view to_string(ProcessState state) {
    switch (state) {
        case ProcessState::starting: return "starting";
        case ProcessState::running: return "running";
        case ProcessState::waiting: return "waiting";
        case ProcessState::failed: return "failed";
        case ProcessState::stopping: return "stopping";
    }
    return "";
}

std::unique_ptr<Launcher> create_supervisor(
    SupervisorOptions options, telemetry::Logger log, const Clock& clock
) {
    return std::make_unique<Supervisor>(std::move(options), std::move(log), clock);
}

}  // namespace mimir::launch
