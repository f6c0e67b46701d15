#include "app/notifier.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdlib>

namespace mimir::app {
namespace {

using namespace std::chrono_literals;

/// How long a start or a stop may take from each beat on; systemd/mimird.service begins with the same.
constexpr std::chrono::microseconds kMoreTime = 60s;
constexpr std::chrono::microseconds kIntervalMax = 5s;
static_assert(kIntervalMax * 4 < kMoreTime, "a late beat must not end the process");

/// A third of the watchdog's time, so that two beats may be late.
std::chrono::microseconds interval() {
    std::uint64_t watchdog_us = 0;
    if (::sd_watchdog_enabled(0, &watchdog_us) <= 0) return kIntervalMax;
    return std::clamp(std::chrono::microseconds(watchdog_us / 3), {1ms}, kIntervalMax);
}

std::string joined(const std::vector<std::string>& parts) {
    return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

std::string describe(const ProcessState& state) {
    std::size_t running = 0;
    std::vector<std::string> starting;
    std::vector<std::string> left;
    std::vector<std::string> broken;
    for (const modules::ModuleStatus& module : state.modules) {
        if (module.state == modules::State::running) ++running;
        if (module.state == modules::State::starting) starting.push_back(module.name);
        if (module.state != modules::State::terminated) left.push_back(module.name);
        if (module.state == modules::State::failed)
            broken.push_back(fmt::format("{} failed: {}", module.name, module.error));
    }
    switch (state.phase) {
        case Phase::starting:
            return fmt::format(
                "starting {}: {} modules run{}{}{}",
                state.target,
                running,
                starting.empty() ? "" : ", waiting for " + joined(starting),
                state.progress.empty() ? "" : ": ",
                state.progress
            );
        case Phase::running:
            return fmt::format(
                "running {}: {} modules{}{}",
                state.target,
                running,
                broken.empty() ? "" : "; ",
                joined(broken)
            );
        case Phase::stopping:
            return left.empty() ? "stopping" : fmt::format("stopping: {}", joined(left));
    }
    return "";
}

Notifier::Notifier(runtime::IoThreads& io, std::function<std::string(Phase)> describe)
    : describe_(std::move(describe)),
      is_asked_for_(std::getenv("NOTIFY_SOCKET") != nullptr),
      interval_(interval()),
      tasks_(io) {
    if (is_asked_for_) tasks_.spawn(beat());
}

Notifier::~Notifier() { tasks_.stop(); }

void Notifier::enter(Phase phase) {
    phase_ = phase;
    if (!is_asked_for_) return;
    if (phase == Phase::running) send("READY=1");
    if (phase == Phase::stopping) send("STOPPING=1");
    refresh();
}

void Notifier::refresh() {
    if (!is_asked_for_) return;
    std::string line = describe_(phase_);
    if (line == line_) return;
    line_ = std::move(line);
    send("STATUS=" + line_);
}

void Notifier::reload_begins() {
    if (is_asked_for_) send("RELOADING=1");
}

void Notifier::reload_ended() {
    if (is_asked_for_) send("READY=1");
}

asio::awaitable<void> Notifier::beat() {
    const std::string more_time = fmt::format("\nEXTEND_TIMEOUT_USEC={}", kMoreTime.count());
    for (;;) {
        send(phase_ == Phase::running ? "WATCHDOG=1" : "WATCHDOG=1" + more_time);
        co_await runtime::sleep_for(interval_);
    }
}

void Notifier::send(const std::string& assignments) { (void)::sd_notify(0, assignments.c_str()); }

}  // namespace mimir::app
