#include "modules/manager.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "modules/instance.hpp"

namespace mimir::modules {
namespace {

bool contains(const Names& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

struct Metrics {
    Metrics(telemetry::Registry& registry)
        : scope(registry),
          starts(scope.counters(
              "mimird_module_starts_total", "How often each module was started.", {"module"}
          )),
          failures(scope.counters(
              "mimird_module_failures_total",
              "How often each module failed, at its start, while running or when it stopped.",
              {"module"}
          )),
          running(scope.gauges("mimird_module_running", "1 for modules that run.", {"module"})) {}

    telemetry::MetricScope scope;
    telemetry::Family<telemetry::Counter>& starts;
    telemetry::Family<telemetry::Counter>& failures;
    telemetry::Family<telemetry::Gauge>& running;
};

}  // namespace

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
          metrics_(registry),
          thread_([this] { work(); }) {}

    ~Impl() { shut_down(); }

    Result<PlannedChange> plan(const Change& change) const {
        std::lock_guard lock(mutex_);
        if (shutting_down_) return fail(ErrorKind::unavailable, "the process is shutting down");
        if (change.if_revision && *change.if_revision != revision_) {
            return fail(
                ErrorKind::conflict,
                "the modules have changed since revision {}; now it is {}",
                *change.if_revision,
                revision_
            );
        }
        Situation now{.wanted = wanted_};
        for (const auto& [name, status] : statuses_) {
            if (status.state == State::running) now.running.push_back(name);
        }
        return plan_change(table_, now, change);
    }

    void submit(Change change, std::function<void(Result<Plan>)> done) {
        {
            std::lock_guard lock(mutex_);
            if (!shutting_down_) {
                tasks_.push_back([this, change = std::move(change), done = std::move(done)] {
                    done(carry_out(change));
                });
                woken_.notify_one();
                return;
            }
        }
        done(fail(ErrorKind::unavailable, "the process is shutting down"));
    }

    void shut_down() {
        std::call_once(shut_down_once_, [this] {
            {
                std::lock_guard lock(mutex_);
                shutting_down_ = true;
                starting_.cancel();
                tasks_.push_back([this] { stop_all(); });
                woken_.notify_one();
            }
            thread_.join();
        });
    }

    std::vector<ModuleStatus> list() const {
        std::lock_guard lock(mutex_);
        std::vector<ModuleStatus> list;
        for (const Module& module : table_.modules()) {
            const auto at = statuses_.find(module.name);
            if (at == statuses_.end()) continue;
            list.push_back(at->second);
            list.back().wanted = contains(wanted_, module.name);
        }
        return list;
    }

    State state(std::string_view name) const {
        std::lock_guard lock(mutex_);
        const auto at = statuses_.find(name);
        return at == statuses_.end() ? State::new_ : at->second.state;
    }

    std::uint64_t revision() const {
        std::lock_guard lock(mutex_);
        return revision_;
    }

    Names not_running() const {
        Names lines;
        for (const std::string& name : table_.with_dependencies(wanted())) {
            const State now = state(name);
            if (!table_.find(name)->factory || now == State::running) continue;
            lines.push_back(fmt::format("{}: {}", name, to_string(now)));
        }
        return lines;
    }

  private:
    /// One life of a module, numbered over all modules.
    struct Life {
        std::uint64_t number = 0;
        std::unique_ptr<Instance> instance;
    };

    // What follows runs on thread_.

    void work() {
        while (!all_stopped_) {
            std::unique_lock lock(mutex_);
            woken_.wait(lock, [this] { return !tasks_.empty(); });
            auto task = std::move(tasks_.front());
            tasks_.pop_front();
            lock.unlock();
            task();
        }
    }

    Result<Plan> carry_out(const Change& change) {
        MIMIR_TRY(const PlannedChange planned, plan(change));
        // What is being started is wanted: until it runs, the process is not ready.
        const Names wanted_before = wanted();
        set_wanted(planned.wanted);
        Plan done;
        Result<void> outcome;
        for (const Step& step : planned.steps) {
            const bool starts = step.action == Step::Action::start;
            auto result = starts ? start(step.module) : stop(step.module);
            if (!result && starts) {
                undo_starts(done);
                set_wanted(wanted_before);
                return tl::unexpected(result.error().with_context("starting " + step.module));
            }
            // What did not stop cleanly has stopped all the same: the change goes on, and tells in the end.
            if (!result) outcome = with_context(result, "stopping " + step.module);
            done.push_back(step);
        }
        MIMIR_TRY(outcome);
        return done;
    }

    void undo_starts(const Plan& done) {
        for (auto step = done.rbegin(); step != done.rend(); ++step) {
            if (step->action == Step::Action::start) (void)stop(step->module);
        }
    }

    Result<void> start(const std::string& name) {
        (void)stop(name);  // what is left of a life that failed
        const Module& module = *table_.find(name);
        for (const std::string& dependency : module.dependencies) {
            const State now = state(dependency);
            if (now == State::running || !table_.find(dependency)->factory) continue;
            return fail(
                ErrorKind::unavailable, "it needs {}, which is {}", dependency, to_string(now)
            );
        }
        const auto cancel = CancellationToken::create();
        {
            std::lock_guard lock(mutex_);
            if (shutting_down_) return fail(ErrorKind::canceled, "the process is shutting down");
            starting_ = cancel;
        }
        metrics_.starts.with({name})->inc();
        const auto begin = clock_.steady_now();
        Life life{.number = ++lives_started_};
        life.instance = std::make_unique<Instance>(
            module,
            options_.stop_grace,
            Instance::Events{
                .state = [this, name](State now, const Error* error) { note(name, now, error); },
                .ended =
                    [this, name, number = life.number] {
                        std::lock_guard lock(mutex_);
                        tasks_.push_back([this, name, number] { retire(name, number); });
                        woken_.notify_one();
                    },
            }
        );
        MIMIR_TRY(life.instance->start(cancel));
        lives_[name] = std::move(life);
        log_.info("module running", {{"module", name}, {"took", clock_.steady_now() - begin}});
        return {};
    }

    Result<void> stop(const std::string& name) {
        auto life = lives_.extract(name);
        if (!life) return {};
        const auto begin = clock_.steady_now();
        auto result = life.mapped().instance->stop();
        log_.info("module stopped", {{"module", name}, {"took", clock_.steady_now() - begin}});
        return result;
    }

    /// Dependents first.
    void stop_all() {
        const auto modules = table_.modules();
        for (auto module = modules.rbegin(); module != modules.rend(); ++module) {
            (void)stop(module->name);
        }
        all_stopped_ = true;
    }

    /// A module's work ended, or failed, without being asked to: stops what needs it, then it.
    void retire(const std::string& name, std::uint64_t number) {
        const auto life = lives_.find(name);
        if (life == lives_.end() || life->second.number != number) return;  // stopped meanwhile
        const bool failed = state(name) == State::failed;
        const auto modules = table_.modules();
        for (auto module = modules.rbegin(); module != modules.rend(); ++module) {
            if (!table_.depends_on(module->name, name) || !lives_.contains(module->name)) continue;
            (void)stop(module->name);
            explain(
                module->name,
                fmt::format("stopped, because {} {}", name, failed ? "failed" : "ended")
            );
        }
        (void)stop(name);
        if (!failed) {
            Names still_wanted = wanted();
            std::erase(still_wanted, name);
            set_wanted(still_wanted);
        }
    }

    // What follows runs on any thread.

    [[nodiscard]] Names wanted() const {
        std::lock_guard lock(mutex_);
        return wanted_;
    }

    void set_wanted(const Names& wanted) {
        std::lock_guard lock(mutex_);
        if (wanted_ != wanted) ++revision_;
        wanted_ = wanted;
    }

    void explain(const std::string& name, std::string why) {
        std::lock_guard lock(mutex_);
        if (auto& error = statuses_[name].error; error.empty()) error = std::move(why);
    }

    void note(const std::string& name, State now, const Error* error) {
        ModuleStatus status{
            .name = name,
            .state = now,
            .since = clock_.now(),
            .error = error != nullptr ? error->message : ""
        };
        metrics_.running.with({name})->set(now == State::running ? 1 : 0);
        {
            std::lock_guard lock(mutex_);
            // Failed is noted when it happens, and again when the module is gone.
            const bool again = statuses_[name].state == now;
            if (again) return;
            statuses_[name] = status;
            ++revision_;
        }
        if (now == State::failed) {
            metrics_.failures.with({name})->inc();
            log_.error("module failed", {{"module", name}, {"err", status.error}});
        }
        if (options_.observer) options_.observer(status);
    }

    const ModuleTable& table_;
    const ManagerOptions options_;
    const telemetry::Logger log_;
    const Clock& clock_;
    Metrics metrics_;

    mutable std::mutex mutex_;
    std::condition_variable woken_;
    // Guarded by mutex_:
    std::deque<std::function<void()>> tasks_;
    Names wanted_;
    std::map<std::string, ModuleStatus, std::less<>> statuses_;
    std::uint64_t revision_ = 0;
    bool shutting_down_ = false;
    CancellationToken starting_;  // of the start under way

    // Of thread_ alone:
    std::map<std::string, Life> lives_;
    std::uint64_t lives_started_ = 0;
    bool all_stopped_ = false;

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

Result<Plan> Manager::plan(const Change& change) const {
    return impl_->plan(change).map([](PlannedChange planned) { return std::move(planned.steps); });
}

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

std::vector<ModuleStatus> Manager::list() const { return impl_->list(); }

State Manager::state(std::string_view name) const { return impl_->state(name); }

std::uint64_t Manager::revision() const { return impl_->revision(); }

Names Manager::not_running() const { return impl_->not_running(); }

}  // namespace mimir::modules
