#include "app/process.hpp"

#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "app/build_info.hpp"
#include "app/load_settings.hpp"
#include "app/module_table.hpp"
#include "app/node.hpp"
#include "app/notifier.hpp"
#include "app/signals.hpp"
#include "config/print.hpp"
#include "telemetry/journal.hpp"

namespace mimir::app {
namespace {

constexpr int kOk = 0;
constexpr int kFailed = 1;

/// What was asked for instead of a run; the exit status.
int print(std::string_view text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    return written && std::fflush(stdout) == 0 ? kOk : kFailed;
}

void print_error(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    if (!text.ends_with('\n')) std::fputc('\n', stderr);
}

/// Ends the process when stopping it takes too long: threads cannot be ended, but what was acknowledged is safe.
class StopDeadline {
  public:
    StopDeadline(telemetry::Logger log, const Node& node, std::chrono::milliseconds limit)
        : thread_([log = std::move(log), &node, limit](const std::stop_token& stop) {
              std::mutex mutex;
              std::unique_lock lock(mutex);
              std::condition_variable_any over;
              over.wait_for(lock, stop, limit, [] { return false; });
              if (stop.stop_requested()) return;
              log.error(
                  "modules do not stop, ending all the same",
                  {{"after", limit},
                   {"modules", fmt::format("{}", fmt::join(node.stopping(), ", "))}}
              );
              std::_Exit(kFailed);
          }) {}

  private:
    std::jthread thread_;
};

/// A process with its modules, from the first start to the last stop.
class Process {
  public:
    Process(std::unique_ptr<Node> node, Signals& signals)
        : signals_(signals),
          node_(std::move(node)),
          log_(node_->wiring().log),
          notifier_(node_->wiring().executors.io, [this](Phase phase) { return line(phase); }) {}

    int run() {
        const BuildInfo info = build_info();
        log_.info("starting mimird", {{"version", info.version}, {"revision", info.revision}});
        node_->start([this](const Result<void>& started) { note_start(started); });
        for (;;) {
            switch (signals_.wait()) {
                case Signals::Event::terminate: return stop(kOk);
                case Signals::Event::reload: reload(); break;
                case Signals::Event::woken:
                    note_changes();
                    if (start_ == Start::failed) return stop(kFailed);
                    if (nothing_left()) {
                        return stop(node_->manager().came_to_an_end() ? kOk : kFailed);
                    }
            }
        }
    }

  private:
    enum class Start { under_way, done, failed };

    void note_start(const Result<void>& started) {
        if (started) {
            log_.info("Application started");
        } else if (started.error().kind != ErrorKind::canceled) {
            log_.error("Application not started", {{"err", started.error()}});
        }
        start_ = started ? Start::done : Start::failed;
        signals_.wake();
    }

    /// Tells the service manager.
    void note_changes() {
        if (start_ == Start::done && !is_announced_) {
            is_announced_ = true;
            notifier_.enter(Phase::running);
        } else {
            notifier_.refresh();
        }
    }

    [[nodiscard]] std::string line(Phase phase) const {
        return describe({
            .phase = phase,
            .target = node_->control().target().target,
            .modules = node_->manager().list(),
            .progress =
                node_->wiring().start_progress.with([](const std::string& text) { return text; }),
        });
    }

    /// Every module that was to run has ended, or failed for good.
    [[nodiscard]] bool nothing_left() const {
        return start_ == Start::done && node_->manager().gave_up();
    }

    void reload() {
        const admin::Caller caller{.name = "mimird", .via = "signal", .role = api::Role::change};
        notifier_.reload_begins();
        const auto result = node_->control().reload(caller, {});
        notifier_.reload_ended();
        if (!result) {
            log_.error("configuration not reloaded", {{"err", result.error()}});
        } else {
            log_.info("configuration reload", {{"result", result->message}});
        }
    }

    int stop(int status) {
        signals_.restore();  // who asks twice does not want to wait
        node_->wiring().stopping = true;
        notifier_.enter(Phase::stopping);
        const auto settings = node_->wiring().settings();
        if (status == kOk && settings->shutdown_delay.count() > 0) {
            log_.info("shutting down after a delay", {{"delay", settings->shutdown_delay}});
            std::this_thread::sleep_for(settings->shutdown_delay);
        }
        log_.info("Application stopping");
        const StopDeadline deadline(log_, *node_, settings->node.shutdown_timeout);
        node_->shut_down();
        log_.info("Application stopped");
        return status;
    }

    Signals& signals_;
    const std::unique_ptr<Node> node_;
    const telemetry::Logger log_;
    std::atomic<Start> start_ = Start::under_way;
    bool is_announced_ = false;
    Notifier notifier_;
};

}  // namespace

int run(std::span<const std::string_view> arguments) {
    const auto made = std::make_shared<Loaded>();
    Loaded& loaded = *made;
    if (const auto failure = load(arguments, loaded); !failure) {
        print_error(failure.error().text);
        return failure.error().exit_status;
    }
    const CommandLine& asked = loaded.command_line;
    if (asked.help || asked.help_all) return print(print_help(loaded.declared, asked.help_all));
    if (asked.version) return print(version_text());

    const modules::ModuleTable table = module_table(loaded.settings, nullptr);
    if (const auto checked = table.check_targets(loaded.settings.target); !checked) {
        print_error(
            fmt::format("target: {}\n`mimird -modules` lists the targets", checked.error().message)
        );
        return kFailed;
    }
    if (asked.modules) return print(table.describe_targets());
    if (asked.print_config) return print(print_yaml(loaded.declared, config::Printed::effective));

    auto signals = Signals::create();
    if (!signals) {
        print_error(signals.error().message);
        return kFailed;
    }
    const ServerOptions& server = loaded.settings.server;
    auto node = Node::create({
        .loaded = made,
        .arguments = {arguments.begin(), arguments.end()},
        .log = telemetry::stderr_is_journal()
                   ? telemetry::Logger::to_journal(server.log_format, server.log_level)
                   : telemetry::Logger::to_stderr(server.log_format, server.log_level),
        .changed = [&signals] { signals->wake(); },
        .end = [&signals] { signals->terminate(); },
    });
    if (!node) {
        print_error(node.error().message);
        return kFailed;
    }
    return Process(*std::move(node), *signals).run();
}

}  // namespace mimir::app
