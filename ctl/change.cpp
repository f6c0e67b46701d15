#include "ctl/change.hpp"

#include <algorithm>
#include <ostream>

#include "api/endpoints.hpp"
#include "base/nearest.hpp"
#include "base/random.hpp"
#include "ctl/output/structured.hpp"
#include "ctl/wait.hpp"

namespace mimir::ctl {
namespace {

using Clock = std::chrono::steady_clock;

Table plan_table(const std::vector<api::Step>& steps) {
    Table table{
        .columns =
            {{"STEP", false, true},
             {"ACTION"},
             {"SUBJECT"},
             {"DONE WHEN"},
             {.title = "UNDONE BY", .is_wide = true}},
        .rows = {},
    };
    for (const api::Step& step : steps) {
        table.rows.push_back({
            Cell(std::to_string(table.rows.size() + 1)),
            Cell(step.action),
            Cell(step.subject),
            Cell(step.gate),
            Cell(step.undo),
        });
    }
    return table;
}

Outcome<ExitCode> show_plan(
    Context& context, const api::ChangeResult& result, std::string_view json
) {
    if (context.format() == Format::name) {
        MIMIR_TRY(const std::string steps, or_exit(member_of(json, "steps"), ExitCode::failed));
        MIMIR_TRY(context.show_structured(steps, "subject"));
    } else if (!is_for_people(context.format())) {
        MIMIR_TRY(context.show_structured(json, "message"));
    } else {
        if (!result.message.empty()) context.say(result.message);
        write_table(context.out(), plan_table(result.steps), context.table_style());
    }
    return result.changed ? ExitCode::plan_has_changes : ExitCode::done;
}

/// The answer with the operation as it was seen last; for people only the id, and only when it goes on.
Outcome<void> show_operation(
    Context& context, std::string_view json, const Watched& watched, bool goes_on
) {
    if (is_for_people(context.format()) || context.format() == Format::name) {
        const bool is_wanted = goes_on || context.format() == Format::name;
        if (is_wanted) context.out() << sanitized(watched.operation.id) << std::endl;
        return {};
    }
    MIMIR_TRY(
        const std::string whole,
        or_exit(with_member(json, "operation", watched.json), ExitCode::failed)
    );
    return context.show_structured(whole, "message");
}

Outcome<std::optional<std::string_view>> revision_of(const Invocation& invocation) {
    auto text = invocation.value("--if-revision");
    if (!text) return text;
    if (text->starts_with('"') && text->ends_with('"') && text->size() > 2)
        text = text->substr(1, text->size() - 2);
    const bool is_number =
        !text->empty() && std::ranges::all_of(*text, [](char c) { return c >= '0' && c <= '9'; });
    if (!is_number) return usage("--if-revision takes a number, as `mimirctl status` shows it");
    return text;
}

/// Adds what the name was meant to be, unless the daemon has said it.
Failure with_suggestion(Context& context, Failure failure, std::string_view subject) {
    if (failure.code != "module-unknown" || failure.why.find("did you mean") != std::string::npos)
        return failure;
    const auto json = context.send({.endpoint = api::kListModules});
    if (!json) return failure;
    const auto modules = api::from_json<std::vector<api::Module>>(*json, api::Unknown::ignore);
    if (!modules) return failure;
    std::vector<std::string_view> names;
    for (const api::Module& module : *modules) names.push_back(module.name);
    while (!subject.empty()) {
        const std::string_view name = subject.substr(0, subject.find(','));
        subject.remove_prefix(std::min(subject.size(), name.size() + 1));
        if (std::ranges::find(names, name) == names.end()) failure.why += did_you_mean(name, names);
    }
    return failure;
}

}  // namespace

std::string new_idempotency_key() {
    const std::uint64_t high = (random_seed() & ~0xF000ULL) | 0x4000ULL;
    const std::uint64_t low = (random_seed() & ~(3ULL << 62)) | (2ULL << 62);
    return fmt::format(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFFF,
        low >> 48,
        low & 0xFFFF'FFFF'FFFFULL
    );
}

Outcome<ExitCode> make_change(Context& context, const Change& change) {
    const Invocation& invocation = context.invocation();
    MIMIR_TRY(const auto timeout, timeout_of(invocation));
    MIMIR_TRY(const auto revision, revision_of(invocation));
    const auto deadline = Clock::now() + timeout;
    const auto json = context.send({
        .endpoint = change.endpoint,
        .subject = change.subject,
        .body = change.body,
        .idempotency_key = new_idempotency_key(),
        .if_revision = revision,
        .patience = patience_of(invocation, timeout),
        .token = context.catch_interrupt(),
    });
    if (!json) return tl::unexpected(with_suggestion(context, json.error(), change.subject));

    MIMIR_TRY(auto result, context.decode<api::ChangeResult>(*json));
    for (const std::string& warning : result.warnings) context.say("warning: " + warning);
    if (result.dry_run) return show_plan(context, result, *json);
    if (!result.operation) {
        if (!result.message.empty()) context.say(result.message);
        if (is_for_people(context.format()) || context.format() == Format::name)
            return ExitCode::done;
        MIMIR_TRY(context.show_structured(*json, "message"));
        return ExitCode::done;
    }
    MIMIR_TRY(std::string operation, or_exit(member_of(*json, "operation"), ExitCode::failed));
    Watched watched{*std::move(result.operation), std::move(operation)};
    if (invocation.has("--no-wait")) {
        MIMIR_TRY(show_operation(context, *json, watched, true));
        return ExitCode::done;
    }
    MIMIR_TRY(const WaitEnd end, wait_for(context, watched, deadline));
    MIMIR_TRY(show_operation(context, *json, watched, end != WaitEnd::ended));
    return say_end(context, watched, end, timeout);
}

}  // namespace mimir::ctl
