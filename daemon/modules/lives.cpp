#include "modules/lives.hpp"

#include <fmt/format.h>

#include <utility>

namespace mimir::modules {

Lives::Metrics::Metrics(telemetry::Registry& registry)
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

Lives::Lives(
    const ManagerOptions& options,
    StatusBoard& board,
    const telemetry::Logger& log,
    telemetry::Registry& registry,
    const Clock& clock,
    Ended ended
)
    : options_(options),
      board_(board),
      log_(log),
      clock_(clock),
      ended_(std::move(ended)),
      metrics_(registry) {}

Result<void> Lives::start(const Module& module, const CancellationToken& cancel) {
    const std::string& name = module.name;
    (void)stop(name);
    metrics_.starts.with({name})->inc();
    const auto asked = clock_.steady_now();
    Life life{.number = ++started_};
    life.instance = std::make_unique<Instance>(
        module,
        options_.stop_grace,
        Instance::Events{
            .state = [this, name](State now, const Error* error) { note(name, now, error); },
            .ended = [this, name, number = life.number] { ended_(name, number); },
        }
    );
    MIMIR_TRY(life.instance->start(cancel));
    life.running_since = clock_.steady_now();
    log_.info("module running", {{"module", name}, {"took", life.running_since - asked}});
    lives_[name] = std::move(life);
    return {};
}

Result<void> Lives::stop(const std::string& name) {
    const auto life = lives_.extract(name);
    if (!life) return {};
    Instance& instance = *life.mapped().instance;
    const auto asked = clock_.steady_now();
    instance.request_stop();
    wait_until_gone(name, instance, asked);
    auto result = instance.stop();
    log_.info("module stopped", {{"module", name}, {"took", clock_.steady_now() - asked}});
    return result;
}

void Lives::wait_until_gone(const std::string& name, const Instance& instance, TimePoint asked) {
    auto patience = options_.stop_grace + options_.stop_overdue;
    if (instance.gone_within(patience)) return;
    do {
        const auto waited = std::chrono::floor<std::chrono::seconds>(clock_.steady_now() - asked);
        log_.warn("module does not stop", {{"module", name}, {"for", waited}});
        board_.complain(name, fmt::format("does not stop, for {} s now", waited.count()));
        patience = options_.stop_overdue_interval;
    } while (!instance.gone_within(patience));
    board_.complain(name, {});
}

const Lives::Life* Lives::find(const std::string& name) const {
    const auto life = lives_.find(name);
    return life == lives_.end() ? nullptr : &life->second;
}

void Lives::note(const std::string& name, State now, const Error* error) {
    metrics_.running.with({name})->set(now == State::running ? 1 : 0);
    const auto entered =
        board_.enter(name, now, clock_.now(), error != nullptr ? error->message : "");
    if (!entered) return;
    if (now == State::failed) {
        metrics_.failures.with({name})->inc();
        log_.error("module failed", {{"module", name}, {"err", *error}});
    }
    if (options_.observer) options_.observer(*entered);
}

}  // namespace mimir::modules
