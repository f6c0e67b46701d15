#include "app/process.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <thread>

#include "app/build_info.hpp"
#include "app/load_settings.hpp"
#include "app/module_table.hpp"
#include "app/signals.hpp"
#include "app/wiring.hpp"
#include "config/print.hpp"
#include "modules/manager.hpp"

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

/// A process with its modules, from the first start to the last stop.
class Process {
  public:
    Process(const std::shared_ptr<const Loaded>& loaded, Signals& signals)
        : signals_(signals),
          wiring_{
              .loaded = Snapshot<Loaded>(loaded),
              .log = telemetry::Logger::to_stderr(
                  loaded->settings.server.log_format, loaded->settings.server.log_level
              ),
          },
          table_(module_table(loaded->settings, &wiring_)),
          manager_(
              table_,
              {
                  .stop_grace = loaded->settings.server.graceful_shutdown_timeout,
                  .gave_up = [this] { signals_.wake(); },
              },
              wiring_.log.component("module-manager"),
              wiring_.registry
          ) {
        wiring_.manager = &manager_;
        reserve_routes(wiring_);
    }

    int run() {
        const BuildInfo info = build_info();
        wiring_.log.info(
            "starting mimird", {{"version", info.version}, {"revision", info.revision}}
        );
        manager_.submit(
            {.kind = modules::Change::Kind::set_target, .modules = wiring_.settings()->target},
            [this](const Result<modules::Plan>& started) { note_start(started); }
        );
        while (signals_.wait() != Signals::Event::terminate) {
            if (start_ == Start::failed || manager_.gave_up()) return stop(kFailed);
        }
        return stop(kOk);
    }

  private:
    enum class Start { under_way, done, failed };

    void note_start(const Result<modules::Plan>& started) {
        if (started) {
            wiring_.log.info("Application started");
        } else if (started.error().kind != ErrorKind::canceled) {
            wiring_.log.error("Application not started", {{"err", started.error()}});
        }
        start_ = started ? Start::done : Start::failed;
        signals_.wake();
    }

    int stop(int status) {
        signals_.restore();  // who asks twice does not want to wait
        wiring_.stopping = true;
        const auto delay = wiring_.settings()->shutdown_delay;
        if (status == kOk && delay.count() > 0) {
            wiring_.log.info("shutting down after a delay", {{"delay", delay}});
            std::this_thread::sleep_for(delay);
        }
        wiring_.log.info("Application stopping");
        manager_.shut_down();
        wiring_.log.info("Application stopped");
        return status;
    }

    Signals& signals_;
    Wiring wiring_;
    const modules::ModuleTable table_;
    std::atomic<Start> start_ = Start::under_way;
    modules::Manager manager_;
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
        print_error(fmt::format("target: {}", checked.error().message));
        return kFailed;
    }
    if (asked.modules) return print(table.describe_targets());
    if (asked.print_config) return print(print_yaml(loaded.declared, config::Printed::effective));

    auto signals = Signals::create();
    if (!signals) {
        print_error(signals.error().message);
        return kFailed;
    }
    return Process(made, *signals).run();
}

}  // namespace mimir::app
