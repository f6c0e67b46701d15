#include <ostream>

#include "api/endpoints.hpp"
#include "ctl/change.hpp"
#include "ctl/commands/commands.hpp"
#include "ctl/commands/limits.hpp"
#include "ctl/commands/operations.hpp"
#include "ctl/context.hpp"
#include "ctl/wait.hpp"

namespace mimir::ctl {
namespace {

Tone tone_of(api::OperationState state) {
    switch (state) {
        case api::OperationState::done: return Tone::good;
        case api::OperationState::failed: return Tone::bad;
        case api::OperationState::canceled: return Tone::faint;
        default: return Tone::busy;
    }
}

std::string took(const api::Operation& operation) {
    return operation.started && operation.ended ? seconds(*operation.ended - *operation.started)
                                                : "";
}

Table operations_table(const std::vector<api::Operation>& operations, TimestampMs now) {
    Table table{
        .columns =
            {{"ID"},
             {"STATE"},
             {"AGE", false, true},
             {"TOOK", false, true},
             {"SUMMARY"},
             {"ERROR"},
             {.title = "BY", .is_wide = true},
             {.title = "KIND", .is_wide = true},
             {.title = "CODE", .is_wide = true}},
        .rows = {},
    };
    for (const api::Operation& operation : operations) {
        table.rows.push_back({
            Cell(operation.id),
            Cell(api::to_string(operation.state), tone_of(operation.state)),
            Cell(ago(operation.created, now), Tone::faint),
            Cell(took(operation)),
            Cell(operation.summary),
            Cell(operation.error),
            Cell(operation.requested_by),
            Cell(operation.kind),
            Cell(operation.code),
        });
    }
    return table;
}

Tone tone_of(api::StepState state) {
    switch (state) {
        case api::StepState::done: return Tone::good;
        case api::StepState::failed: return Tone::bad;
        case api::StepState::running: return Tone::busy;
        default: return Tone::faint;
    }
}

Table steps_table(const std::vector<api::Step>& steps) {
    Table table{
        .columns =
            {{"ACTION"},
             {"SUBJECT"},
             {"STATE"},
             {"TOOK", false, true},
             {"ERROR"},
             {.title = "DONE WHEN", .is_wide = true},
             {.title = "UNDONE BY", .is_wide = true}},
        .rows = {},
    };
    for (const api::Step& step : steps) {
        table.rows.push_back({
            Cell(step.action),
            Cell(step.subject),
            Cell(api::to_string(step.state), tone_of(step.state)),
            Cell(step.started && step.ended ? seconds(*step.ended - *step.started) : ""),
            Cell(step.error),
            Cell(step.gate),
            Cell(step.undo),
        });
    }
    return table;
}

void write_operation(Context& context, const api::Operation& operation) {
    Table facts{.columns = {{"FACT"}, {"VALUE"}}, .rows = {}};
    const auto add = [&](std::string_view title, const std::string& value, Tone tone = Tone::plain
                     ) {
        if (!value.empty()) facts.rows.push_back({Cell(title), Cell(value, tone)});
    };
    add("operation", fmt::format("{}: {}", operation.id, operation.summary));
    add("state", std::string(api::to_string(operation.state)), tone_of(operation.state));
    add("error", operation.error, Tone::bad);
    add("code", operation.code);
    add("note", operation.note);
    for (const std::string& warning : operation.warnings) add("warning", warning, Tone::busy);
    const TimestampMs now = context.environment().clock->now();
    add("asked for",
        fmt::format("{} ago by {}", ago(operation.created, now), operation.requested_by));
    add("took", took(operation));
    write_facts(context.out(), facts, context.table_style());
    if (operation.steps.empty()) return;
    context.out() << '\n';
    write_table(context.out(), steps_table(operation.steps), context.table_style());
}

/// For people the end is said; others get the operation as it was seen last.
Outcome<void> show_watched(Context& context, const Watched& watched) {
    if (is_for_people(context.format())) return {};
    return context.show_structured(watched.json, "id");
}

}  // namespace

Outcome<ExitCode> show_operation(Context& context, const std::string& id) {
    MIMIR_TRY(
        const std::string json, context.send({.endpoint = api::kGetOperation, .subject = id})
    );
    MIMIR_TRY(const auto operation, context.decode<api::Operation>(json));
    if (!is_for_people(context.format())) {
        MIMIR_TRY(context.show_structured(json, "id"));
        return ExitCode::done;
    }
    write_operation(context, operation);
    return ExitCode::done;
}

Outcome<ExitCode> run_operations_list(Context& context) {
    MIMIR_TRY(auto query, page_of(context.invocation()));
    MIMIR_TRY(
        const std::string json,
        context.send({.endpoint = api::kListOperations, .query = std::move(query)})
    );
    const TimestampMs now = context.environment().clock->now();
    const auto to_table = [&](const std::vector<api::Operation>& list) {
        return operations_table(list, now);
    };
    MIMIR_TRY(context.show<std::vector<api::Operation>>(json, "id", to_table));
    return ExitCode::done;
}

Outcome<ExitCode> run_operations(Context& context) {
    const auto& arguments = context.invocation().arguments;
    return arguments.empty() ? run_operations_list(context)
                             : show_operation(context, arguments.front());
}

Outcome<ExitCode> run_operations_watch(Context& context) {
    MIMIR_TRY(const auto timeout, timeout_of(context.invocation()));
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    const std::string& id = context.invocation().arguments.front();
    MIMIR_TRY(std::string json, context.send({.endpoint = api::kGetOperation, .subject = id}));
    MIMIR_TRY(auto operation, context.decode<api::Operation>(json));
    Watched watched{std::move(operation), std::move(json)};
    MIMIR_TRY(const WaitEnd end, wait_for(context, watched, deadline));
    MIMIR_TRY(show_watched(context, watched));
    return say_end(context, watched, end, timeout);
}

Outcome<ExitCode> steer_operation(
    Context& context, const api::Endpoint& endpoint, const std::string& id
) {
    MIMIR_TRY(const auto timeout, timeout_of(context.invocation()));
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    MIMIR_TRY(
        std::string json,
        context.send({
            .endpoint = endpoint,
            .subject = id,
            .idempotency_key = new_idempotency_key(),
            .patience = patience_of(context.invocation(), timeout),
            .token = context.catch_interrupt(),
        })
    );
    MIMIR_TRY(auto operation, context.decode<api::Operation>(json));
    Watched watched{std::move(operation), std::move(json)};
    WaitEnd end = WaitEnd::ended;
    if (context.invocation().has("--no-wait")) {
        if (is_for_people(context.format()))
            context.out() << sanitized(watched.operation.id) << '\n';
    } else {
        MIMIR_TRY(end, wait_for(context, watched, deadline));
    }
    MIMIR_TRY(show_watched(context, watched));
    if (context.invocation().has("--no-wait")) return ExitCode::done;
    const bool was_to_cancel = endpoint.id == api::kCancelOperation.id;
    if (was_to_cancel && end == WaitEnd::ended &&
        watched.operation.state == api::OperationState::canceled) {
        context.say(fmt::format("{} is canceled, and undone", watched.operation.id));
        return ExitCode::done;
    }
    return say_end(context, watched, end, timeout);
}

Outcome<ExitCode> run_operations_cancel(Context& context) {
    const std::string& id = context.invocation().arguments.front();
    return steer_operation(context, api::kCancelOperation, id);
}

}  // namespace mimir::ctl
