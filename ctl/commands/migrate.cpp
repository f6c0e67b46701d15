#include <algorithm>
#include <optional>

#include "api/endpoints.hpp"
#include "ctl/change.hpp"
#include "ctl/commands/commands.hpp"
#include "ctl/commands/operations.hpp"
#include "ctl/context.hpp"
#include "ctl/output/table.hpp"

namespace mimir::ctl {
namespace {

using api::Form;

Outcome<Form> form_of(std::string_view text) {
    for (const Form form : {Form::monolithic, Form::microservices}) {
        if (api::to_string(form) == text) return form;
    }
    return usage(fmt::format("FORM is monolithic or microservices, not \"{}\"", text));
}

Outcome<ExitCode> migrate(Context& context, Form to, bool only_plan) {
    const Invocation& invocation = context.invocation();
    const api::MigrationRequest request{
        .to = to,
        .rehearse = invocation.has("--rehearse"),
        .hold = invocation.has("--hold"),
        .dry_run = only_plan || invocation.has("--dry-run"),
    };
    if (request.rehearse && request.hold) {
        return usage("--rehearse ends where --hold waits: give one of them");
    }
    return make_change(context, {.endpoint = api::kMigrate, .body = api::to_json(request)});
}

/// The newest migration, if there was any.
Outcome<std::optional<api::Operation>> newest(Context& context) {
    http::Parameters query;
    query.add("limit", "1");
    MIMIR_TRY(
        const std::string json,
        context.send({.endpoint = api::kListMigrations, .query = std::move(query)})
    );
    MIMIR_TRY(auto list, context.decode<std::vector<api::Operation>>(json));
    if (list.empty()) return std::nullopt;
    return std::move(list.front());
}

/// The migration that is under way. Errors: not_found.
Outcome<api::Operation> under_way(Context& context) {
    MIMIR_TRY(auto found, newest(context));
    if (found && !api::has_ended(found->state)) return *std::move(found);
    return tl::unexpected(Failure{
        .exit_code = ExitCode::not_found,
        .what = "no migration is under way",
        .why = found ? fmt::format(
                           "the last one, {} ({}), is {}",
                           found->id,
                           found->summary,
                           api::to_string(found->state)
                       )
                     : "this node was never migrated",
        .next_steps = {"`mimirctl migrate plan microservices` shows what a migration would do"},
    });
}

Table report_facts(const api::Operation& operation) {
    const api::MigrationReport& report = *operation.report;
    Table facts{.columns = {{"FACT"}, {"VALUE"}}, .rows = {}};
    const auto add = [&](std::string_view title, std::string value, bool is_well = true) {
        const Tone tone = is_well ? Tone::plain : Tone::bad;
        facts.rows.push_back({Cell(title), Cell(std::move(value), tone)});
    };
    add("migration",
        fmt::format("{}: {}, {}", operation.id, operation.summary, api::to_string(operation.state))
    );
    add("requests", fmt::format("{} through the gateway", report.requests));
    add("failed", std::to_string(report.requests_failed), report.requests_failed == 0);
    add("sent again", std::to_string(report.requests_retried));
    add("waited", std::to_string(report.requests_parked));
    add("canaries",
        fmt::format(
            "{} written, {} acknowledged, {} readable",
            report.canaries,
            report.canaries_acknowledged,
            report.canaries_readable
        ),
        report.canaries_readable >= report.canaries_acknowledged && report.canaries_failed == 0);
    add("longest gap", fmt::format("{} ms between two acknowledgements", report.longest_gap_ms));
    if (!report.failure.empty()) add("failure", report.failure, false);
    return facts;
}

}  // namespace

Outcome<ExitCode> run_migrate_plan(Context& context) {
    MIMIR_TRY(const Form form, form_of(context.invocation().arguments.front()));
    return migrate(context, form, true);
}

Outcome<ExitCode> run_migrate_apply(Context& context) {
    MIMIR_TRY(const Form form, form_of(context.invocation().arguments.front()));
    return migrate(context, form, false);
}

Outcome<ExitCode> run_migrate_microservices(Context& context) {
    return migrate(context, Form::microservices, false);
}

Outcome<ExitCode> run_migrate_monolithic(Context& context) {
    return migrate(context, Form::monolithic, false);
}

Outcome<ExitCode> run_migrate_status(Context& context) {
    MIMIR_TRY(const auto found, newest(context));
    if (found) return show_operation(context, found->id);
    return tl::unexpected(Failure{
        .exit_code = ExitCode::not_found,
        .what = "this node was never migrated",
        .next_steps = {"`mimirctl migrate plan microservices` shows what a migration would do"},
    });
}

Outcome<ExitCode> run_migrate_report(Context& context) {
    MIMIR_TRY(const auto found, newest(context));
    if (!found || !found->report) {
        return tl::unexpected(Failure{
            .exit_code = ExitCode::not_found,
            .what = "there is no report",
            .why = found ? fmt::format("{} ({}) has none yet", found->summary, found->id)
                         : "this node was never migrated",
        });
    }
    const api::MigrationReport& report = *found->report;
    const bool is_clean = report.requests_failed == 0 && report.failure.empty() &&
                          report.canaries_readable >= report.canaries_acknowledged;
    if (is_for_people(context.format())) {
        write_facts(context.out(), report_facts(*found), context.table_style());
    } else {
        MIMIR_TRY(context.show_structured(api::to_json(report), "requests"));
    }
    return is_clean ? ExitCode::done : ExitCode::degraded;
}

Outcome<ExitCode> run_migrate_pause(Context& context) {
    MIMIR_TRY(const auto operation, under_way(context));
    MIMIR_TRY(
        const std::string json,
        context.send({
            .endpoint = api::kPauseOperation,
            .subject = operation.id,
            .idempotency_key = new_idempotency_key(),
        })
    );
    if (!is_for_people(context.format())) {
        MIMIR_TRY(context.show_structured(json, "id"));
        return ExitCode::done;
    }
    context.say(fmt::format(
        "{} ({}) waits before its next step; `mimirctl migrate resume` or `mimirctl migrate rollback`",
        operation.summary,
        operation.id
    ));
    return ExitCode::done;
}

Outcome<ExitCode> run_migrate_resume(Context& context) {
    MIMIR_TRY(const auto operation, under_way(context));
    return steer_operation(context, api::kResumeOperation, operation.id);
}

Outcome<ExitCode> run_migrate_rollback(Context& context) {
    MIMIR_TRY(const auto found, newest(context));
    if (found && !api::has_ended(found->state)) {
        return steer_operation(context, api::kCancelOperation, found->id);
    }
    if (!found || found->state != api::OperationState::done) {
        context.say(
            found ? fmt::format("{} ({}) was undone already", found->summary, found->id)
                  : "this node was never migrated"
        );
        return ExitCode::done;
    }
    MIMIR_TRY(const std::string json, context.send({.endpoint = api::kGetStatus}));
    MIMIR_TRY(const auto status, context.decode<api::Status>(json));
    const bool is_monolithic = status.mode == api::Mode::monolithic;
    return migrate(context, is_monolithic ? Form::microservices : Form::monolithic, false);
}

Outcome<ExitCode> run_processes(Context& context) {
    MIMIR_TRY(const std::string json, context.send({.endpoint = api::kListProcesses}));
    const TimestampMs now = context.environment().clock->now();
    const auto tone_of = [](api::ProcessState state) {
        if (state == api::ProcessState::running) return Tone::good;
        return state == api::ProcessState::failed ? Tone::bad : Tone::busy;
    };
    const auto to_table = [&](const std::vector<api::Process>& processes) {
        Table table{
            .columns =
                {{"NAME"},
                 {"STATE"},
                 {"SINCE", false, true},
                 {"PID", false, true},
                 {"WHY"},
                 {.title = "RESTARTS", .is_wide = true, .is_number = true},
                 {.title = "ADMIN API", .is_wide = true}},
            .rows = {},
        };
        for (const api::Process& process : processes) {
            table.rows.push_back({
                Cell(process.name),
                Cell(api::to_string(process.state), tone_of(process.state)),
                Cell(ago(process.since, now), Tone::faint),
                Cell(process.pid == 0 ? "" : std::to_string(process.pid)),
                Cell(process.error),
                Cell(std::to_string(process.restarts)),
                Cell(process.admin_socket),
            });
        }
        return table;
    };
    MIMIR_TRY(context.show<std::vector<api::Process>>(json, "name", to_table));
    return ExitCode::done;
}

}  // namespace mimir::ctl
