#include "modules/manager.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "modules/conductor.hpp"

namespace mimir::modules {
namespace {

tl::unexpected<Error> shutting_down() {
    return fail_with_id(ErrorKind::unavailable, "shutting-down", "the process is shutting down");
}

}  // namespace

/// The queue of what is to be done, and the thread that does it.
class Manager::Impl {
  public:
    Impl(
        const ModuleTable& table,
        ManagerOptions options,
        telemetry::Logger log,
        telemetry::Registry& registry,
        const Clock& clock
    )
        : table_(table),
          options_(std::move(options)),
          log_(std::move(log)),
          clock_(clock),
          conductor_(
              table,
              options_,
              log_,
              registry,
              clock,
              [this](const std::string& name, std::uint64_t number) {
                  std::lock_guard lock(mutex_);
                  add_task([this, name, number] { conductor_.retire(name, number); });
              }
          ),
          thread_([this] { work(); }) {}

    ~Impl() { shut_down(); }

    const StatusBoard& board() const { return conductor_.board(); }
    bool gave_up() const { return gave_up_; }
    bool came_to_an_end() const { return came_to_an_end_; }

    Result<PlannedChange> plan(const Change& change) const {
        {
            std::lock_guard lock(mutex_);
            if (shutting_down_) return shutting_down();
        }
        return conductor_.plan(change);
    }

    void submit(Change change, std::function<void(Result<Plan>)> done) {
        if (!change.cancel.cancelable()) {
            change.cancel = CancellationToken::create(change.cancel.deadline());
        }
        {
            std::lock_guard lock(mutex_);
            if (!shutting_down_) {
                if (concerns(change, restarting_)) under_way_.cancel();
                add_task([this, change = std::move(change), done = std::move(done)] {
                    done(carry_out(change));
                });
                return;
            }
        }
        done(shutting_down());
    }

    void shut_down() {
        std::call_once(shut_down_once_, [this] {
            {
                std::lock_guard lock(mutex_);
                shutting_down_ = true;
                under_way_.cancel();
                add_task([this] {
                    conductor_.stop_all();
                    all_stopped_ = true;
                });
            }
            thread_.join();
        });
    }

    std::vector<ModuleStatus> statuses() const {
        auto statuses = board().statuses();
        for (ModuleStatus& status : statuses) {
            const bool stable = clock_.now() - status.since > options_.restart.stable_after;
            if (status.state == State::running && stable) status.restarts = 0;
        }
        return statuses;
    }

    Names not_running() const {
        Names lines;
        for (const std::string& name : table_.needed(board().wanted())) {
            const State now = board().state(name);
            if (!table_.find(name)->factory || now == State::running) continue;
            lines.push_back(fmt::format("{}: {}", name, to_string(now)));
        }
        return lines;
    }

  private:
    // What follows runs on thread_.

    // Tasks come first: what operators want does not wait for what failed.
    void work() {
        while (!all_stopped_) {
            if (const auto task = take_task()) {
                task();
            } else if (const auto due = conductor_.due_restart(); !due.empty()) {
                restart(due);
            } else {
                note_what_is_left();
                wait();
            }
        }
    }

    std::function<void()> take_task() {
        std::lock_guard lock(mutex_);
        if (tasks_.empty()) return {};
        auto task = std::move(tasks_.front());
        tasks_.pop_front();
        return task;
    }

    void wait() {
        const auto next = conductor_.until_next_restart();
        const auto is_woken = [this] { return !tasks_.empty(); };
        std::unique_lock lock(mutex_);
        if (next) {
            woken_.wait_for(lock, *next, is_woken);
        } else {
            woken_.wait(lock, is_woken);
        }
    }

    Result<Plan> carry_out(const Change& change) {
        MIMIR_TRY(begin(change.cancel, {}));
        gave_up_ = false;
        came_to_an_end_ = false;
        auto outcome = conductor_.carry_out(change);
        end();
        return outcome;
    }

    void restart(const std::string& name) {
        const auto cancel = CancellationToken::create();
        if (!begin(cancel, name)) return;
        conductor_.restart(name, cancel);
        end();
    }

    /// What this token cancels is under way, until end(); a restart has a name.
    Result<void> begin(const CancellationToken& cancel, std::string restarting) {
        std::lock_guard lock(mutex_);
        if (shutting_down_) return shutting_down();
        under_way_ = cancel;
        restarting_ = std::move(restarting);
        return {};
    }

    void end() {
        std::lock_guard lock(mutex_);
        under_way_ = {};
        restarting_.clear();
    }

    void note_what_is_left() {
        const bool gives_up = !conductor_.is_anything_left();
        came_to_an_end_ = gives_up && conductor_.came_to_an_end();
        const bool had_given_up = gave_up_.exchange(gives_up);
        if (gives_up && !had_given_up && options_.gave_up) options_.gave_up();
    }

    // What follows runs on any thread.

    /// Under mutex_.
    void add_task(std::function<void()> task) {
        tasks_.push_back(std::move(task));
        woken_.notify_one();
    }

    /// Whether a restart of this module gives way to the change: a start that takes for ever must
    /// not keep it from being stopped.
    [[nodiscard]] bool concerns(const Change& change, const std::string& restarting) const {
        if (restarting.empty()) return false;
        if (change.kind == Change::Kind::set_target) return true;
        const Names concerned = table_.with_dependencies(change.modules);
        return std::ranges::find(concerned, restarting) != concerned.end();
    }

    const ModuleTable& table_;
    const ManagerOptions options_;
    const telemetry::Logger log_;
    const Clock& clock_;
    std::atomic<bool> gave_up_ = false;
    std::atomic<bool> came_to_an_end_ = false;

    mutable std::mutex mutex_;
    std::condition_variable woken_;
    // Guarded by mutex_:
    std::deque<std::function<void()>> tasks_;
    bool shutting_down_ = false;
    CancellationToken under_way_;  // of the change or restart
    std::string restarting_;       // what is being started again; empty during a change

    Conductor conductor_;       // of thread_, but for what any thread may call
    bool all_stopped_ = false;  // of thread_

    std::once_flag shut_down_once_;
    std::thread thread_;
};

Manager::Manager(
    const ModuleTable& table,
    ManagerOptions options,
    telemetry::Logger log,
    telemetry::Registry& registry,
    const Clock& clock
)
    : impl_(std::make_unique<Impl>(table, std::move(options), std::move(log), registry, clock)) {}

Manager::~Manager() = default;

Result<PlannedChange> Manager::plan(const Change& change) const { return impl_->plan(change); }

void Manager::submit(Change change, std::function<void(Result<Plan>)> done) {
    impl_->submit(std::move(change), std::move(done));
}

Result<Plan> Manager::apply(Change change) {
    // Shared: set_value() may still be at work on it when the waiting thread goes on.
    const auto done = std::make_shared<std::promise<Result<Plan>>>();
    auto outcome = done->get_future();
    impl_->submit(std::move(change), [done](Result<Plan> result) {
        done->set_value(std::move(result));
    });
    return outcome.get();
}

void Manager::shut_down() { impl_->shut_down(); }

std::vector<ModuleStatus> Manager::statuses() const { return impl_->statuses(); }

std::vector<ModuleStatus> Manager::list() const {
    auto started = statuses();
    std::erase_if(started, [](const auto& status) { return status.state == State::new_; });
    return started;
}

State Manager::state(std::string_view name) const { return impl_->board().state(name); }

Names Manager::wanted() const { return impl_->board().wanted(); }

std::uint64_t Manager::revision() const { return impl_->board().revision(); }

Names Manager::not_running() const { return impl_->not_running(); }

bool Manager::gave_up() const { return impl_->gave_up(); }

bool Manager::came_to_an_end() const { return impl_->came_to_an_end(); }

}  // namespace mimir::modules
