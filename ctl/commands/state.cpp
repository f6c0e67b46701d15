#include <ostream>

#include "api/endpoints.hpp"
#include "base/units.hpp"
#include "ctl/build_info.hpp"
#include "ctl/commands/commands.hpp"
#include "ctl/context.hpp"
#include "ctl/module_words.hpp"
#include "ctl/output/structured.hpp"

namespace mimir::ctl {
namespace {

std::string yes_no(bool value) { return value ? "yes" : "no"; }

std::string_view words_of(api::TargetSource source) {
    switch (source) {
        case api::TargetSource::command_line: return "from the command line";
        case api::TargetSource::stored: return "stored by set-target";
        case api::TargetSource::file: return "from the configuration file";
        case api::TargetSource::built_in: return "the default";
        case api::TargetSource::changed: return "changed while running";
    }
    return "";
}

Table status_facts(const api::Status& status, TimestampMs now, bool wide) {
    Table facts{.columns = {{"FACT"}, {"VALUE"}}, .rows = {}};
    const auto add = [&](std::string_view title, std::string value, Tone tone = Tone::plain) {
        facts.rows.push_back({Cell(title), Cell(std::move(value), tone)});
    };
    add("mimird",
        fmt::format(
            "{} ({}), pid {}, up {}",
            status.version,
            status.build_revision,
            status.pid,
            ago(status.started, now)
        ));
    add("target", fmt::format("{} ({})", status.target, words_of(status.target_source)));
    add("mode",
        fmt::format("{}{}", api::to_string(status.mode), status.scaled_out ? ", scaled out" : ""));
    add("ready", yes_no(status.ready), status.ready ? Tone::good : Tone::bad);
    for (const std::string& reason : status.not_ready) add("not ready", reason, Tone::bad);
    std::string modules = fmt::format("{} running", status.modules_running);
    if (status.modules_failed > 0) modules += fmt::format(", {} failed", status.modules_failed);
    add("modules", std::move(modules), status.modules_failed > 0 ? Tone::bad : Tone::plain);
    if (status.operation) add("under way", *status.operation, Tone::busy);
    if (wide || status.journal != "ok") {
        add("journal", status.journal, status.journal == "ok" ? Tone::plain : Tone::bad);
    }
    add("public API", status.http_address);
    if (wide) add("Prometheus API", status.prometheus_prefix);
    if (wide) add("admin API", status.admin_socket);
    if (wide) add("state folder", status.state_dir);
    if (wide) add("config file", status.config_file);
    add("memory", format_bytes(status.resident_bytes));
    if (wide) add("descriptors", std::to_string(status.open_fds));
    if (wide) add("threads", std::to_string(status.threads));
    add("revision", std::to_string(status.revision));
    return facts;
}

Table modules_table(const std::vector<api::Module>& modules, TimestampMs now) {
    Table table{
        .columns =
            {{"NAME"},
             {"STATE"},
             {"SINCE", false, true},
             {"WHY"},
             {.title = "IN ALL", .is_wide = true},
             {.title = "NEEDS", .is_wide = true},
             {.title = "NEEDED BY", .is_wide = true},
             {.title = "RESTARTS", .is_wide = true, .is_number = true},
             {.title = "ROUTES", .is_wide = true, .is_number = true}},
        .rows = {},
    };
    for (const api::Module& module : modules) {
        table.rows.push_back({
            Cell(module.name),
            Cell(api::to_string(module.state), tone_of(module.state)),
            Cell(ago(module.since, now), Tone::faint),
            Cell(why(module, modules, now)),
            Cell(yes_no(module.in_all)),
            Cell(join(module.dependencies)),
            Cell(join(module.needed_by)),
            Cell(std::to_string(module.restarts)),
            Cell(std::to_string(module.routes.size())),
        });
    }
    return table;
}

Table targets_table(const std::vector<api::Target>& targets) {
    Table table{.columns = {{"NAME"}, {"RUNS"}, {"IN ALL"}, {"MODULES"}}, .rows = {}};
    for (const api::Target& target : targets) {
        table.rows.push_back({
            Cell(target.name),
            Cell(
                std::string_view(target.current ? "yes" : ""),
                target.current ? Tone::good : Tone::plain
            ),
            Cell(target.in_all ? "yes" : ""),
            Cell(join(target.modules)),
        });
    }
    return table;
}

}  // namespace

Outcome<ExitCode> run_status(Context& context) {
    MIMIR_TRY(const std::string json, context.send({.endpoint = api::kGetStatus}));
    MIMIR_TRY(const auto status, context.decode<api::Status>(json));
    if (!is_for_people(context.format())) {
        MIMIR_TRY(context.show_structured(json, "target"));
        return ExitCode::done;
    }
    const TimestampMs now = context.environment().clock->now();
    const TableStyle style = context.table_style();
    write_facts(context.out(), status_facts(status, now, style.wide), style);
    return ExitCode::done;
}

Outcome<ExitCode> run_modules(Context& context) {
    MIMIR_TRY(const std::string json, context.send({.endpoint = api::kListModules}));
    const TimestampMs now = context.environment().clock->now();
    const auto to_table = [&](const std::vector<api::Module>& modules) {
        return modules_table(modules, now);
    };
    MIMIR_TRY(context.show<std::vector<api::Module>>(json, "name", to_table));
    return ExitCode::done;
}

Outcome<ExitCode> run_targets(Context& context) {
    MIMIR_TRY(const std::string json, context.send({.endpoint = api::kListTargets}));
    MIMIR_TRY(context.show<std::vector<api::Target>>(json, "name", targets_table));
    return ExitCode::done;
}

Outcome<ExitCode> run_version(Context& context) {
    const api::ApiVersion ours{.version = std::string(kVersion)};
    MIMIR_TRY(Connection * daemon, context.connection());
    const Call call{.endpoint = api::kGetVersion, .patience = std::chrono::milliseconds(2000)};
    const auto answer = daemon->send(call);
    const auto theirs = api::from_json<api::ApiVersion>(answer.value_or(""), api::Unknown::ignore);
    if (!is_for_people(context.format())) {
        const std::string daemon_json = theirs ? *answer : "null";
        MIMIR_TRY(
            std::string both,
            or_exit(with_member("{}", "mimirctl", api::to_json(ours)), ExitCode::failed)
        );
        MIMIR_TRY(
            both,
            or_exit(with_member(both, "version", fmt::format("\"{}\"", kVersion)), ExitCode::failed)
        );
        MIMIR_TRY(both, or_exit(with_member(both, "mimird", daemon_json), ExitCode::failed));
        MIMIR_TRY(context.show_structured(both, "version"));
        return ExitCode::done;
    }
    context.out() << fmt::format(
        "mimirctl {} ({}), API {} to {}\n", kVersion, kRevision, ours.api_min, ours.api_max
    );
    if (theirs) {
        context.out() << sanitized(fmt::format(
                             "mimird   {}, API {} to {}, at {}",
                             theirs->version,
                             theirs->api_min,
                             theirs->api_max,
                             daemon->daemon().name
                         ))
                      << '\n';
    } else {
        context.out() << "mimird   does not answer at " << sanitized(daemon->daemon().name) << '\n';
    }
    return ExitCode::done;
}

}  // namespace mimir::ctl
