// The launcher that has systemd do it: one thread that looks how the units are.

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "fs/file_system.hpp"
#include "launch/child.hpp"
#include "launch/detail/readiness.hpp"
#include "launch/detail/service_manager.hpp"
#include "launch/launcher.hpp"

namespace mimir::launch {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::steady_clock::time_point;

/// Between two looks at a unit that changes, and at one that does not.
constexpr std::chrono::milliseconds kLookInterval = 50ms;
constexpr std::chrono::milliseconds kQuietInterval = 1s;
/// Between two attempts to begin a unit that systemd refuses to start.
constexpr std::chrono::milliseconds kBackoffMin = 1s;
constexpr std::chrono::milliseconds kBackoffMax = 1min;
/// A process that ran for so long starts over with the count of its restarts.
constexpr std::chrono::milliseconds kGoodRun = 1min;
/// Between a SIGKILL and systemd's word that nothing is left.
constexpr std::chrono::milliseconds kKillTimeout = 10s;

std::string unit_of(const std::string& name) { return fmt::format("mimird@{}.service", name); }

bool has_ended(const UnitState& state) {
    return !state.has_job && (state.active == "inactive" || state.active == "failed");
}

/// How a process is, as far as a look at it tells.
struct Look {
    ProcessState state = ProcessState::starting;
    int pid = 0;
    std::uint32_t restarts = 0;
    std::string error = {};
};

/// Without the admin API's word.
Look read(const std::string& unit, const UnitState& state) {
    Look look{.pid = state.pid, .restarts = state.restarts};
    const auto become = [&](ProcessState seen, std::string error) {
        look.state = seen;
        look.error = std::move(error);
    };
    if (state.active == "failed") {
        become(
            ProcessState::failed,
            fmt::format("systemd gave {} up: {}; journalctl -u {}", unit, state.result, unit)
        );
    } else if (state.active == "inactive" && !state.has_job) {
        become(
            ProcessState::failed, fmt::format("somebody stopped {}; systemctl start {}", unit, unit)
        );
    } else if (state.active == "deactivating" || state.sub == "auto-restart") {
        become(ProcessState::waiting, fmt::format("it ended: {}", state.result));
    } else if (state.active == "active") {
        look.state = ProcessState::running;
    }
    return look;
}

class Systemd final : public Launcher {
  public:
    Systemd(SystemdOptions options, telemetry::Logger log, const Clock& clock)
        : options_(std::move(options)),
          log_(std::move(log)),
          clock_(clock),
          thread_([this](const std::stop_token& stop) { look_after(stop); }) {}

    void start(ProcessSpec spec) override {
        const std::lock_guard lock(mutex_);
        auto& kept = kept_[spec.name];
        const bool is_kept = !kept.spec.name.empty();
        if (kept.is_stopping) {
            kept.spec = std::move(spec);
            kept.begins_again = true;
            return;
        }
        if (is_kept && kept.seen.state != ProcessState::failed) return;
        kept = {.spec = std::move(spec), .since = clock_.now(), .due = clock_.steady_now()};
    }

    Result<void> stop(const ProcessSpec& spec, std::chrono::milliseconds grace) override {
        const bool was_kept = begin_stop(spec);
        auto ended = end(spec, grace);
        const bool is_gone = ended || ended.error().kind == ErrorKind::timeout;
        end_stop(spec.name, was_kept, is_gone);
        return ended;
    }

    [[nodiscard]] std::vector<ProcessStatus> list() const override {
        const std::lock_guard lock(mutex_);
        std::vector<ProcessStatus> all;
        for (const auto& [name, kept] : kept_) {
            all.push_back({
                .name = name,
                .state = kept.is_stopping ? ProcessState::stopping : kept.seen.state,
                .pid = kept.seen.pid,
                .since = kept.since,
                .restarts = kept.refusals + kept.seen.restarts - kept.restarts_before,
                .error = kept.seen.error,
            });
        }
        return all;
    }

  private:
    struct Kept {
        ProcessSpec spec;
        Look seen = {};
        TimestampMs since = {};
        Time since_steady = {};
        /// systemd was asked to start it, or it ran already.
        bool has_begun = false;
        /// When it is looked at.
        Time due = {};
        /// In a row.
        std::uint32_t refusals = 0;
        /// Those of systemd's count that lie before a good run.
        std::uint32_t restarts_before = 0;
        bool is_stopping = false;
        /// Someone wants it again while it stops.
        bool begins_again = false;
    };

    void look_after(const std::stop_token& stop) {
        ::pthread_setname_np(::pthread_self(), "launcher");
        while (!stop.stop_requested()) {
            for (const ProcessSpec& spec : due()) look_at(spec);
            std::unique_lock lock(mutex_);
            news_.wait_for(lock, stop, kLookInterval, [] { return false; });
        }
    }

    [[nodiscard]] std::vector<ProcessSpec> due() const {
        const std::lock_guard lock(mutex_);
        const Time now = clock_.steady_now();
        std::vector<ProcessSpec> all;
        for (const auto& [name, kept] : kept_) {
            if (!kept.is_stopping && kept.due <= now) all.push_back(kept.spec);
        }
        return all;
    }

    /// On the launcher's thread, without the lock while it waits for anybody.
    void look_at(const ProcessSpec& spec) {
        auto looked = has_begun(spec.name) ? observe(spec) : begin(spec);
        if (!looked) manager_.reset();  // the next look connects anew
        const std::lock_guard lock(mutex_);
        const auto at = kept_.find(spec.name);
        if (at == kept_.end() || at->second.is_stopping) return;
        Kept& kept = at->second;
        if (looked) {
            kept.has_begun = true;
            kept.refusals = 0;
            take(kept, *std::move(looked));
        } else if (kept.has_begun) {
            kept.seen.error = looked.error().message;
            kept.due = clock_.steady_now() + kQuietInterval;
        } else {
            put_off(kept, looked.error());
        }
    }

    [[nodiscard]] bool has_begun(const std::string& name) const {
        const std::lock_guard lock(mutex_);
        const auto at = kept_.find(name);
        return at != kept_.end() && at->second.has_begun;
    }

    Result<ServiceManager*> manager() {
        if (!manager_) {
            MIMIR_TRY(auto connected, ServiceManager::connect());
            manager_ = std::move(connected);
        }
        return &*manager_;
    }

    Result<Look> begin(const ProcessSpec& spec) {
        MIMIR_TRY(ServiceManager * systemd, manager());
        const std::string unit = unit_of(spec.name);
        MIMIR_TRY(const UnitState state, systemd->state(unit));
        if (state.active == "active" || state.active == "activating") {
            log_.info("process taken over", {{"process", spec.name}, {"pid", state.pid}});
            return observe(spec);
        }
        MIMIR_TRY(write_flags(spec));
        if (state.active == "failed") MIMIR_TRY(systemd->reset_failed(unit));
        MIMIR_TRY(systemd->start(unit));
        log_.info("process started", {{"process", spec.name}, {"unit", unit}});
        return observe(spec);
    }

    Result<Look> observe(const ProcessSpec& spec) {
        MIMIR_TRY(ServiceManager * systemd, manager());
        const std::string unit = unit_of(spec.name);
        MIMIR_TRY(const UnitState state, systemd->state(unit));
        Look look = read(unit, state);
        if (look.state != ProcessState::running) return look;
        if (const auto ready = check_ready(spec.admin_socket); !ready) {
            look.state = ProcessState::starting;
            look.error = ready.error().message;
        }
        return look;
    }

    /// systemd would not start it.
    void put_off(Kept& kept, const Error& why) {
        const auto backoff =
            std::min(kBackoffMin * (std::int64_t{1} << std::min(kept.refusals, 20U)), kBackoffMax);
        ++kept.refusals;
        kept.due = clock_.steady_now() + backoff;
        log_.warn(
            "process not started, and tried again",
            {{"process", kept.spec.name}, {"err", why}, {"after", backoff}}
        );
        set(kept, {.state = ProcessState::waiting, .error = why.message});
    }

    void take(Kept& kept, Look look) {
        const Time now = clock_.steady_now();
        const std::string& name = kept.spec.name;
        const bool is_news = look.state != kept.seen.state;
        if (look.state == ProcessState::failed && is_news)
            log_.error("process given up", {{"process", name}, {"err", look.error}});
        if (look.state == ProcessState::waiting && is_news)
            log_.warn(
                "process ended, and is started again", {{"process", name}, {"err", look.error}}
            );
        const bool runs = look.state == ProcessState::running;
        if (runs && !is_news && now - kept.since_steady >= kGoodRun)
            kept.restarts_before = look.restarts;
        kept.restarts_before = std::min(kept.restarts_before, look.restarts);
        const bool is_quiet = runs || look.state == ProcessState::failed;
        kept.due = now + (is_quiet ? kQuietInterval : 0ms);
        set(kept, std::move(look));
    }

    void set(Kept& kept, Look look) {
        if (look.state != kept.seen.state) {
            kept.since = clock_.now();
            kept.since_steady = clock_.steady_now();
        }
        kept.seen = std::move(look);
    }

    /// What is begun from now on is left to stop(). Returns whether it was kept before.
    bool begin_stop(const ProcessSpec& spec) {
        const std::lock_guard lock(mutex_);
        const bool was_kept = kept_.contains(spec.name);
        Kept& kept = kept_[spec.name];
        if (!was_kept) kept.spec = spec;
        kept.is_stopping = true;
        kept.since = clock_.now();
        return was_kept;
    }

    void end_stop(const std::string& name, bool was_kept, bool is_gone) {
        const std::lock_guard lock(mutex_);
        const auto at = kept_.find(name);
        if (at == kept_.end()) return;
        Kept& kept = at->second;
        if (is_gone) log_.info("process stopped", {{"process", name}});
        if (kept.begins_again) {
            kept = {
                .spec = std::move(kept.spec), .since = clock_.now(), .due = clock_.steady_now()
            };
        } else if (is_gone || !was_kept) {
            kept_.erase(at);
        } else {
            kept.is_stopping = false;
        }
    }

    /// On the caller's thread, over a connection of its own.
    Result<void> end(const ProcessSpec& spec, std::chrono::milliseconds grace) {
        MIMIR_TRY(auto systemd, ServiceManager::connect());
        const auto ended = end_unit(systemd, unit_of(spec.name), grace);
        if (!ended && ended.error().kind != ErrorKind::timeout) return ended;
        forget_flags(spec.name);
        MIMIR_TRY(end_stranger(spec, grace));
        return ended;
    }

    Result<void> end_unit(
        ServiceManager& systemd, const std::string& unit, std::chrono::milliseconds grace
    ) const {
        MIMIR_TRY(const UnitState state, systemd.state(unit));
        // One that does not run needs no permission.
        if (!has_ended(state)) MIMIR_TRY(systemd.stop(unit));
        MIMIR_TRY(const bool ends, wait_for_end(systemd, unit, grace));
        if (!ends) {
            MIMIR_TRY(systemd.kill(unit));
            MIMIR_TRY(const bool is_dead, wait_for_end(systemd, unit, kKillTimeout));
            if (!is_dead)
                return fail(ErrorKind::unavailable, "{} does not end, although killed", unit);
        }
        MIMIR_TRY(const UnitState after, systemd.state(unit));
        if (after.active == "failed") MIMIR_TRY(systemd.reset_failed(unit));
        if (ends) return {};
        return fail(
            ErrorKind::timeout, "{} did not end within {} ms, and was killed", unit, grace.count()
        );
    }

    Result<bool> wait_for_end(
        ServiceManager& systemd, const std::string& unit, std::chrono::milliseconds limit
    ) const {
        const Time end = clock_.steady_now() + limit;
        for (;;) {
            MIMIR_TRY(const UnitState state, systemd.state(unit));
            if (has_ended(state)) return true;
            if (clock_.steady_now() >= end) return false;
            std::this_thread::sleep_for(kLookInterval);
        }
    }

    /// One that answers at the socket, and is no unit.
    Result<void> end_stranger(const ProcessSpec& spec, std::chrono::milliseconds grace) const {
        MIMIR_TRY(const auto found, Child::listening_at(spec.admin_socket));
        if (!found) return {};
        found->signal(SIGTERM);
        const Time end = clock_.steady_now() + grace;
        while (!found->ended()) {
            if (clock_.steady_now() >= end) {
                found->signal(SIGKILL);
                return fail(
                    ErrorKind::timeout,
                    "process {} at {} did not end within {} ms, and was killed",
                    found->pid(),
                    spec.admin_socket.native(),
                    grace.count()
                );
            }
            std::this_thread::sleep_for(kLookInterval);
        }
        return {};
    }

    [[nodiscard]] std::filesystem::path flags_file(const std::string& name) const {
        return options_.flags_folder / (name + ".flags");
    }

    Result<void> write_flags(const ProcessSpec& spec) const {
        std::string text;
        for (const std::string& flag : spec.arguments) {
            text += flag;
            text += '\0';
        }
        return with_context(
            fs::write_file_atomically(fs::real_file_system(), flags_file(spec.name), text),
            "writing the flags of a process"
        );
    }

    void forget_flags(const std::string& name) const {
        auto& files = fs::real_file_system();
        if (!files.exists(flags_file(name))) return;
        if (const auto removed = files.remove_file(flags_file(name)); !removed)
            log_.warn("flags left over", {{"process", name}, {"err", removed.error()}});
    }

    const SystemdOptions options_;
    const telemetry::Logger log_;
    const Clock& clock_;
    /// Of the thread.
    std::optional<ServiceManager> manager_;

    mutable std::mutex mutex_;
    std::condition_variable_any news_;  // rung by the thread's end alone
    std::map<std::string, Kept> kept_;
    std::jthread thread_;  // last: it uses the rest
};

}  // namespace

std::unique_ptr<Launcher> create_systemd(
    SystemdOptions options, telemetry::Logger log, const Clock& clock
) {
    return std::make_unique<Systemd>(std::move(options), std::move(log), clock);
}

}  // namespace mimir::launch
