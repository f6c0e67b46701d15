#include "app/node.hpp"

#include <fmt/format.h>

#include "app/module_table.hpp"

namespace mimir::app {
namespace {

/// Revisions grow over restarts too: a process changes things less often than this.
constexpr std::uint64_t first_revision(std::uint64_t boot) { return boot << 20U; }

/// The primary's journal is in the state folder, that of a process beside it in a folder of its own.
std::filesystem::path journal_dir(const NodeOptions& node) {
    const std::filesystem::path state_dir = node.state_dir;
    return node.name.empty() ? state_dir : state_dir / "processes" / node.name;
}

std::string describe(const modules::ModuleStatus& status) {
    using enum modules::State;
    switch (status.state) {
        case new_: return "is new";
        case starting: return "is starting";
        case running: return "is running";
        case stopping: return "is stopping";
        case terminated: return "has stopped";
        case failed: return "failed: " + status.error;
    }
    return "";
}

}  // namespace

Result<std::unique_ptr<Node>> Node::create(Environment environment) {
    auto node = std::unique_ptr<Node>(new Node(std::move(environment)));
    MIMIR_TRY(
        node->wiring_.identity, identify(node->environment_.loaded->settings, interface_addresses())
    );
    if (node->journal_opened_) return node;
    const Error& error = node->journal_opened_.error();
    const auto loaded = node->wiring_.loaded.load();
    if (error.kind == ErrorKind::conflict) {
        return fail(
            error.kind,
            "{}\ngive this one a folder of its own with -node.state-dir, or, to run components beside "
            "that process, a name with -node.name",
            error.message
        );
    } else if (!node->journal_.knows_stored_target() &&
               loaded->target_from != Loaded::TargetFrom::command_line) {
        return fail(
            error.kind,
            "the journal may hold a target that set-target stored, but cannot be read: {}\nmend "
            "that, or name the target with -target",
            error.message
        );
    }
    return node;
}

Node::Node(Environment environment)
    : environment_(std::move(environment)),
      wiring_{
          .loaded = Snapshot<Loaded>(environment_.loaded),
          .log = environment_.log,
      },
      journal_(
          {.dir = journal_dir(environment_.loaded->settings.node)},
          wiring_.log.component("journal"),
          wiring_.clock
      ),
      journal_opened_(journal_.open()),
      events_(
          {
              .first_cursor = operations::first_cursor(journal_.boot()),
              .added = [this](const api::Event&) { wiring_.bell.ring(); },
          },
          wiring_.clock
      ),
      table_(module_table(environment_.loaded->settings, &wiring_)),
      host_(wiring_, environment_.arguments, environment_.end),
      manager_(
          table_,
          {
              .stop_grace = environment_.loaded->settings.server.graceful_shutdown_timeout,
              .restart =
                  {
                      .backoff_min = environment_.loaded->settings.node.module_restart_backoff_min,
                      .backoff_max = environment_.loaded->settings.node.module_restart_backoff_max,
                      .attempts_max = environment_.loaded->settings.node.module_restarts_max,
                  },
              .first_revision = first_revision(journal_.boot()),
              .observer = [this](const modules::ModuleStatus& status) { note_state(status); },
              .gave_up = [this] { environment_.changed(); },
          },
          wiring_.log.component("module-manager"),
          wiring_.registry,
          wiring_.clock
      ),
      recomposition_({
          .wiring = wiring_,
          .table = table_,
          .manager = manager_,
          .arguments = environment_.arguments,
          .stored = [this](const modules::Names& target) { control_.took_target(target); },
      }),
      runner_(
          journal_,
          events_,
          wiring_.log.component("operations"),
          {.changed = [this](const api::Operation&) { wiring_.bell.ring(); }},
          wiring_.clock
      ),
      first_target_(first_target()),
      control_(
          {
              .table = table_,
              .manager = manager_,
              .journal = journal_,
              .runner = runner_,
              .events = events_,
              .router = wiring_.router,
              .host = host_,
              .node = environment_.loaded->settings.node.name.empty() ? &recomposition_ : nullptr,
              .log = wiring_.log.component("admin"),
              .clock = wiring_.clock,
          },
          first_target_
      ) {
    wiring_.manager = &manager_;
    wiring_.control = &control_;
    wiring_.changed = environment_.changed;
    wiring_.recomposition = &recomposition_;
    wiring_.stop_module = [this](std::string name) {
        manager_.submit(
            {.kind = modules::Change::Kind::stop, .modules = {std::move(name)}, .cascade = true},
            [log = wiring_.log](const Result<modules::Plan>& stopped) {
                if (!stopped) log.error("a module was not stopped", {{"err", stopped.error()}});
            }
        );
    };
    reserve_routes(wiring_);

    const auto note = [&](api::Severity severity, std::string subject, std::string message) {
        events_.add({severity, "daemon", std::move(subject), std::move(message), std::nullopt});
    };
    if (!journal_opened_) {
        wiring_.log.error(
            "the journal cannot be opened: changes are refused until it can",
            {{"err", journal_opened_.error()}}
        );
        note(api::Severity::error, "journal", journal_opened_.error().message);
    }
    for (std::string& text : journal_.notes()) note(api::Severity::error, "journal", text);
    for (const api::Operation& operation : journal_.recovered()) {
        wiring_.log.warn(
            "an operation was under way when mimird ended",
            {{"operation", operation.id},
             {"summary", operation.summary},
             {"outcome", operation.note}}
        );
        note(api::Severity::warning, operation.id, operation.summary + ": " + operation.note);
        // Its request is in the audit log; so is what became of it.
        const auto written = journal_.audit({
            .time = wiring_.clock.now(),
            .actor = "mimird",
            .via = "start",
            .action = operation.kind,
            .subject = operation.id,
            .detail = operation.note,
            .revision = manager_.revision(),
            .outcome = std::string(to_string(operation.state)),
        });
        if (!written) {
            wiring_.log.error(
                "an outcome is not in the audit log",
                {{"operation", operation.id}, {"err", written.error()}}
            );
        }
    }
}

Node::~Node() { shut_down(); }

admin::CurrentTarget Node::first_target() {
    const auto configured = host_.configured_target();
    const auto stored = journal_.stored_target();
    if (!stored || configured.source == api::TargetSource::command_line) {
        return {configured.names, configured.source};
    }
    const modules::Names names = modules::parse_names(*stored);
    if (const auto known = table_.check_targets(names); !known) {
        wiring_.log.error(
            "the stored target is none that this build has; the configured one runs instead",
            {{"stored", *stored}, {"err", known.error()}}
        );
        return {configured.names, configured.source};
    }
    return {names, api::TargetSource::stored};
}

void Node::note_state(const modules::ModuleStatus& status) {
    const bool failed = status.state == modules::State::failed;
    events_.add({
        .severity = failed ? api::Severity::error : api::Severity::info,
        .kind = "module",
        .subject = status.name,
        .message = describe(status),
    });
    environment_.changed();
}

void Node::start(std::function<void(const Result<void>&)> done) {
    wiring_.log.info(
        "starting the target",
        {{"target", fmt::format("{}", fmt::join(first_target_.names, ","))},
         {"from", to_string(first_target_.source)}}
    );
    if (environment_.loaded->settings.node.name.empty()) {
        // A target of the command line is a form without processes.
        const bool is_stored = first_target_.source == api::TargetSource::stored;
        const modules::Names kept = is_stored ? journal_.processes() : modules::Names();
        end_left_over(kept);
        recomposition_.keep(kept);
    }
    manager_.submit(
        {.kind = modules::Change::Kind::set_target, .modules = first_target_.names},
        [done = std::move(done)](const Result<modules::Plan>& started) {
            done(started.map([](const modules::Plan&) {}));
        }
    );
}

void Node::end_left_over(const modules::Names& kept) {
    const modules::Names names = recomposition_.left_over(kept);
    if (names.empty()) return;
    const std::string all = fmt::format("{}", fmt::join(names, ","));
    const auto submitted = runner_.submit({
        .kind = "end-processes",
        .summary = "end processes that a migration left: " + all,
        .requested_by = "mimird",
        .run = [this, names](operations::Progress& progress) -> Result<void> {
            std::vector<api::Step> steps;
            for (const std::string& name : names) {
                steps.push_back(
                    {.action = "stop-process", .subject = name, .gate = "it has drained and ended"}
                );
            }
            MIMIR_TRY(progress.plan(std::move(steps)));
            for (std::size_t i = 0; i < names.size(); ++i) {
                MIMIR_TRY(progress.begins(i));
                const auto ended = recomposition_.stop_process(names[i]);
                progress.ended(i, ended);
                if (!ended) progress.warn(ended.error().message);
            }
            return {};
        },
    });
    if (!submitted) {
        wiring_.log.error(
            "processes that a migration left may run on",
            {{"processes", all}, {"err", submitted.error()}}
        );
    }
}

modules::Names Node::stopping() const {
    modules::Names names;
    for (const modules::ModuleStatus& status : manager_.list()) {
        if (status.state != modules::State::terminated) names.push_back(status.name);
    }
    return names;
}

void Node::shut_down() {
    // The operation under way may wait for a module that starts: only the manager can make that give up.
    runner_.request_stop();
    recomposition_.stop_all();
    manager_.shut_down();
    runner_.stop();
}

}  // namespace mimir::app
