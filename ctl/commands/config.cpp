#include <ostream>

#include "api/endpoints.hpp"
#include "ctl/change.hpp"
#include "ctl/commands/commands.hpp"
#include "ctl/commands/read_input.hpp"
#include "ctl/context.hpp"

namespace mimir::ctl {
namespace {

/// The daemon's own file, which we read ourselves: the check is of what a reload would find.
Outcome<std::string> file_of_daemon(Context& context) {
    MIMIR_TRY(const std::string json, context.send({.endpoint = api::kGetStatus}));
    MIMIR_TRY(auto status, context.decode<api::Status>(json));
    if (!status.config_file.empty()) return std::move(status.config_file);
    const api::ProblemKind* kind = api::find_problem_kind("config-no-file");
    return tl::unexpected(Failure{
        .exit_code = kind->exit_code,
        .why = std::string(kind->title),
        .next_steps = {"name a file: `mimirctl config check FILE`"},
        .code = std::string(kind->code),
    });
}

}  // namespace

Outcome<ExitCode> run_config_check(Context& context) {
    const auto& arguments = context.invocation().arguments;
    std::string name;
    if (arguments.empty()) {
        MIMIR_TRY(name, file_of_daemon(context));
    } else {
        name = arguments.front();
    }
    MIMIR_TRY(std::string yaml, name == "-" ? read_all(context.in(), "stdin") : read_file(name));
    const api::ConfigCheckRequest request{
        .yaml = std::move(yaml), .name = name == "-" ? "stdin" : name
    };
    MIMIR_TRY(
        const std::string json,
        context.send({.endpoint = api::kCheckConfig, .body = api::to_json(request)})
    );
    MIMIR_TRY(const auto findings, context.decode<api::ConfigFindings>(json));
    if (is_for_people(context.format())) {
        for (const std::string& finding : findings.findings)
            context.out() << sanitized(finding) << '\n';
        context.say(
            findings.ok ? request.name + " is well: mimird would start with it"
                        : request.name + " is wrong: mimird would not start with it"
        );
    } else {
        MIMIR_TRY(context.show_structured(json, "ok"));
    }
    return findings.ok ? ExitCode::done : ExitCode::failed;
}

Outcome<ExitCode> run_config_show(Context& context) {
    http::Parameters query;
    if (const auto mode = context.invocation().value("--mode"))
        query.add("mode", std::string(*mode));
    MIMIR_TRY(
        const std::string json,
        context.send({.endpoint = api::kGetConfig, .query = std::move(query)})
    );
    MIMIR_TRY(const auto view, context.decode<api::ConfigView>(json));
    if (!is_for_people(context.format())) {
        MIMIR_TRY(context.show_structured(json, "file"));
        return ExitCode::done;
    }
    context.out() << sanitized(view.yaml, true);
    if (!view.yaml.ends_with('\n')) context.out() << '\n';
    return ExitCode::done;
}

Outcome<ExitCode> run_config_diff(Context& context) {
    MIMIR_TRY(const std::string json, context.send({.endpoint = api::kDiffConfig}));
    MIMIR_TRY(const auto diff, context.decode<api::ConfigDiff>(json));
    if (!is_for_people(context.format())) {
        MIMIR_TRY(context.show_structured(json, "file"));
        return ExitCode::done;
    }
    if (diff.differences.empty()) context.say(diff.file + " says what is in force");
    Table table{.columns = {{"KEY"}, {"RUNNING"}, {"FILE"}, {"RESTARTS"}}, .rows = {}};
    for (const api::ConfigDifference& difference : diff.differences) {
        table.rows.push_back(
            {Cell(difference.key),
             Cell(difference.running),
             Cell(difference.file),
             Cell(difference.module)}
        );
    }
    write_table(context.out(), table, context.table_style());
    return ExitCode::done;
}

Outcome<ExitCode> run_config_reload(Context& context) {
    const api::ChangeRequest request{.dry_run = context.invocation().has("--dry-run")};
    return make_change(context, {.endpoint = api::kReloadConfig, .body = api::to_json(request)});
}

}  // namespace mimir::ctl
