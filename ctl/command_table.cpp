#include "ctl/command_table.hpp"

#include <algorithm>

#include "ctl/commands/commands.hpp"

// A flat table: one row a command, in the order of help, man pages and docs/mimirctl.md.

namespace mimir::ctl {
namespace {

using enum ExitCode;

constexpr Option kGlobal[] = {
    {.name = "--socket",
     .value = "ADDRESS",
     .help = "Where mimird's admin API listens: a socket's path, or https://HOST:PORT."},
    {.name = "--token-file",
     .value = "FILE",
     .help = "File with the bearer token for an address on TCP.",
     .values = Values::files},
    {.name = "--ca-file",
     .value = "FILE",
     .help = "CAs to trust for an https address; the system's unless given.",
     .values = Values::files},
    {.name = "--cert-file",
     .value = "FILE",
     .help = "Certificate to show to an https address that asks for one.",
     .values = Values::files},
    {.name = "--key-file",
     .value = "FILE",
     .help = "Private key of that certificate.",
     .values = Values::files},
    {.name = "--output",
     .short_name = "-o",
     .value = "FORMAT",
     .help = "table (the default), wide, json, yaml, jsonl or name.",
     .values = Values::formats},
    {.name = "--no-color", .help = "No colours, on a terminal too."},
    {.name = "--help", .short_name = "-h", .help = "Help, also behind a command."},
    {.name = "--version", .help = "As `mimirctl version`."},
};

constexpr Option kTimeout = {
    .name = "--timeout",
    .value = "TIME",
    .help = "Wait so long (5m unless given); what was begun goes on then, and the exit code is 6."
};
constexpr Option kNoWait = {.name = "--no-wait", .help = "Do not wait: print the operation's id."};
constexpr Option kDryRun = {
    .name = "--dry-run", .help = "Only show the plan; exit code 10 when there is something to do."
};
constexpr Option kIfRevision = {
    .name = "--if-revision",
    .value = "N",
    .help = "Only when the daemon still is at this revision (see `mimirctl status`)."
};
constexpr Option kLimit = {.name = "--limit", .value = "N", .help = "At most so many, the newest."};
constexpr Option kAfter = {
    .name = "--after", .value = "N", .help = "Only what came after this cursor."
};
constexpr Option kTenant = {
    .name = "--tenant", .value = "TENANT", .help = "Sent as X-Scope-OrgID."
};
constexpr Option kUrl = {
    .name = "--url",
    .value = "URL",
    .help = "Where the public API is, unless the daemon's own word is right."
};

constexpr Option kChangeOptions[] = {kDryRun, kNoWait, kTimeout, kIfRevision};
constexpr Option kStopOptions[] = {
    {.name = "--cascade", .help = "When other modules need them, stop those too."},
    kDryRun,
    kNoWait,
    kTimeout,
    kIfRevision
};
constexpr Option kSetTargetOptions[] = {
    {.name = "--reset", .help = "Forget the stored target and go back to the configured one."},
    kDryRun,
    kNoWait,
    kTimeout,
    kIfRevision
};
constexpr Option kMigrateOptions[] = {
    {.name = "--rehearse", .help = "Do everything up to the point of no return, and then undo it."},
    {.name = "--hold",
     .help =
         "Pause before the point of no return, while old and new instances run: `migrate complete` goes on, `migrate "
         "rollback` undoes it."},
    kDryRun,
    kNoWait,
    kTimeout,
    kIfRevision
};
constexpr Option kRollbackOptions[] = {kNoWait, kTimeout};
constexpr Option kWatchOptions[] = {kTimeout};
constexpr Option kCancelOptions[] = {kNoWait, kTimeout};
constexpr Option kListOptions[] = {kLimit};
constexpr Option kEventOptions[] = {
    {.name = "--follow", .help = "Go on with what happens, until ctrl-C."}, kAfter, kLimit
};
constexpr Option kAuditOptions[] = {kAfter, kLimit};
constexpr Option kShowOptions[] = {
    {.name = "--mode",
     .value = "MODE",
     .help =
         "effective (all settings, the default), diff (those that differ from their defaults) or defaults.",
     .values = Values::config_modes}
};
constexpr Option kShutdownOptions[] = {
    {.name = "--yes", .help = "Do not ask."},
    {.name = "--no-wait", .help = "Do not wait until it has ended."},
    kTimeout
};
constexpr Option kQueryOptions[] = {
    {.name = "--time",
     .value = "TIME",
     .help = "The instant: RFC 3339, seconds since 1970, or now-1h."},
    {.name = "--start", .value = "TIME", .help = "Begin of a range."},
    {.name = "--end", .value = "TIME", .help = "End of a range; now unless given."},
    {.name = "--step", .value = "STEP", .help = "Between the values of a range; 1m unless given."},
    kTenant,
    kUrl
};
constexpr Option kPushOptions[] = {kTenant, kUrl};
constexpr Option kContinuousTestOptions[] = {
    {.name = "--write-endpoint",
     .value = "URL",
     .help = "Where to write, without /api/v1/push; the daemon's public API unless given."},
    {.name = "--read-endpoint",
     .value = "URL",
     .help = "Where to read, without /api/v1/query; http://HOST:PORT/prometheus, say."},
    kTenant,
    {.name = "--runs", .value = "N", .help = "End after so many runs."},
    {.name = "--duration", .value = "TIME", .help = "End after this time; else ctrl-C ends it."},
    {.name = "--interval", .value = "TIME", .help = "From run to run; 20s unless given."},
    {.name = "--series",
     .value = "N",
     .help = "Series to write, each a sample every 20 seconds; 1000 unless given."},
};

constexpr Argument kModules[] = {
    {.name = "MODULE",
     .help = "One or more modules; `mimirctl modules` lists them.",
     .count_max = 0,
     .values = Values::modules}
};
constexpr Argument kTarget[] = {
    {.name = "TARGET",
     .help = "A target, or several joined by commas; `mimirctl targets` lists them.",
     .count_min = 0,
     .values = Values::targets}
};
constexpr Argument kOperation[] = {
    {.name = "ID", .help = "An operation, such as op-17.", .values = Values::operations}
};
constexpr Argument kOptionalOperation[] = {
    {.name = "ID",
     .help = "An operation, such as op-17.",
     .count_min = 0,
     .values = Values::operations}
};
constexpr Argument kForm[] = {
    {.name = "FORM", .help = "monolithic or microservices.", .values = Values::forms}
};
constexpr Argument kFile[] = {
    {.name = "FILE",
     .help = "A configuration file; - for stdin; the daemon's own unless given.",
     .count_min = 0,
     .values = Values::files}
};
constexpr Argument kLevel[] = {
    {.name = "LEVEL",
     .help = "debug, info, warn or error; shows the level unless given.",
     .count_min = 0,
     .values = Values::log_levels}
};
constexpr Argument kRing[] = {
    {.name = "RING", .help = "Name of a ring, as ingester; all unless given.", .count_min = 0}
};
constexpr Argument kForget[] = {
    {.name = "RING", .help = "Name of the ring."},
    {.name = "MEMBER", .help = "Name of the member."},
};
constexpr Argument kWord[] = {
    {.name = "WORD",
     .help = "A problem's code, a module or a ring's member; all codes unless given.",
     .count_min = 0,
     .values = Values::codes_and_modules}
};
constexpr Argument kExpression[] = {{.name = "EXPR", .help = "An expression of PromQL."}};
constexpr Argument kLines[] = {
    {.name = "LINE",
     .help = "name{label=\"value\"} number [milliseconds since 1970]; lines of stdin unless given.",
     .count_min = 0,
     .count_max = 0}
};
constexpr Argument kShell[] = {
    {.name = "SHELL", .help = "bash, zsh or fish.", .values = Values::shells}
};

constexpr ExitCode kReads[] = {failed, not_found};
constexpr ExitCode kChanges[] = {
    failed, not_found, refused, timed_out, degraded, plan_has_changes, detached
};
constexpr ExitCode kPlans[] = {failed, refused, plan_has_changes};
constexpr ExitCode kReports[] = {failed, not_found, degraded};
constexpr ExitCode kSteers[] = {failed, not_found, refused};
constexpr ExitCode kWaits[] = {failed, not_found, refused, timed_out, degraded, detached};
constexpr ExitCode kFollows[] = {failed, detached};
constexpr ExitCode kEnds[] = {refused, timed_out, detached};
constexpr ExitCode kSettings[] = {failed, refused};
constexpr ExitCode kChecks[] = {failed, degraded};
constexpr ExitCode kShowsRings[] = {failed, not_found, degraded};
constexpr ExitCode kForgets[] = {failed, not_found, refused, degraded};
constexpr ExitCode kPublic[] = {failed, not_found, refused, timed_out};
constexpr ExitCode kFails[] = {failed};

constexpr Example kStatusExamples[] = {
    {"mimirctl status", "Version, target, readiness, where the APIs listen."},
    {"mimirctl status -o json | jq -r .target", "One field, for a script."},
};
constexpr Example kModulesExamples[] = {
    {"mimirctl modules", "Every module: its state, since when, and why."},
    {"mimirctl modules -o wide", "Also what each needs, what needs it, restarts and routes."},
};
constexpr Example kTargetsExamples[] = {
    {"mimirctl targets", "What set-target can name, and what runs for it."}
};
constexpr Example kSetTargetExamples[] = {
    {"mimirctl set-target ingester",
     "Run the ingester only; what it needs already runs on untouched."},
    {"mimirctl set-target --reset", "Back to what command line or file say."},
};
constexpr Example kStartExamples[] = {
    {"mimirctl start querier", "Start the querier and all that it needs."},
    {"mimirctl start querier query-frontend --dry-run", "Show what that would do."},
};
constexpr Example kStopExamples[] = {
    {"mimirctl stop querier", "Drain and stop the querier."},
    {"mimirctl stop api --cascade", "Stop all that needs the public API, then the API."},
};
constexpr Example kRestartExamples[] = {
    {"mimirctl restart distributor --timeout 10m",
     "Stop it with what depends on it, and start the same again."},
};
constexpr Example kOperationsExamples[] = {
    {"mimirctl operations", "The newest operations."},
    {"mimirctl operations op-17", "One operation with its steps."},
};
constexpr Example kOperationsListExamples[] = {
    {"mimirctl operations list --limit 100", "The newest hundred."}
};
constexpr Example kWatchExamples[] = {
    {"mimirctl operations watch op-17", "Wait for its end, and say how it ended."}
};
constexpr Example kCancelExamples[] = {
    {"mimirctl operations cancel op-17", "Stop it at its next step, and undo it."}
};
constexpr Example kEventsExamples[] = {
    {"mimirctl events --follow", "The last ten, then each as it happens."},
    {"mimirctl events --after 1200 -o jsonl", "What came after a cursor, a line each."},
};
constexpr Example kAuditExamples[] = {
    {"mimirctl audit --limit 20", "Who asked for what, and what became of it."}
};
constexpr Example kConfigExamples[] = {
    {"mimirctl config check /etc/mimird/mimird.yaml", "Whether a daemon would start with that file."
    },
    {"mimirctl config diff && mimirctl config reload", "See what a reload changes, then do it."},
};
constexpr Example kCheckExamples[] = {
    {"mimirctl config check", "The daemon's own file, before a reload."},
    {"mimirctl config check new.yaml && mv new.yaml /etc/mimird/mimird.yaml",
     "Another file, before it counts."},
};
constexpr Example kShowExamples[] = {
    {"mimirctl config show --mode diff", "Only the settings that are not the defaults."},
};
constexpr Example kDiffExamples[] = {
    {"mimirctl config diff", "Keys that differ, and which modules a reload restarts."}
};
constexpr Example kReloadExamples[] = {
    {"mimirctl config reload --dry-run", "Which modules it would restart."},
    {"mimirctl config reload", "Do it."},
};
constexpr Example kMigrateExamples[] = {
    {"mimirctl migrate plan microservices", "What it would do, step by step."},
    {"mimirctl migrate microservices", "Do it, and show each step."},
    {"mimirctl migrate monolithic", "And back."},
};
constexpr Example kPlanExamples[] = {
    {"mimirctl migrate plan microservices -o wide", "Also how each step is undone."}
};
constexpr Example kApplyExamples[] = {
    {"mimirctl migrate apply microservices --rehearse", "Whether it would work, without a change."},
    {"mimirctl migrate apply microservices --hold && mimirctl migrate complete",
     "Look at it before it counts."},
};
constexpr Example kMicroservicesExamples[] = {
    {"mimirctl migrate microservices", "Peel every component but the ingester off, under load."}
};
constexpr Example kMonolithicExamples[] = {
    {"mimirctl migrate monolithic", "Take all components back into one process."}
};
constexpr Example kMigrateStatusExamples[] = {
    {"mimirctl migrate status", "The migration that is under way, or the last one, with its steps."}
};
constexpr Example kReportExamples[] = {
    {"mimirctl migrate report", "The proof that nothing was refused or lost."}
};
constexpr Example kPauseExamples[] = {
    {"mimirctl migrate pause",
     "Everything serves meanwhile; see what is there with `mimirctl processes`."}
};
constexpr Example kResumeExamples[] = {{"mimirctl migrate resume", "Go on, and wait for the end."}};
constexpr Example kCompleteExamples[] = {
    {"mimirctl migrate complete", "Pass the point of no return that --hold waits at."}
};
constexpr Example kRollbackExamples[] = {
    {"mimirctl migrate rollback", "Undo it while it is under way; migrate back when it is done."}
};
constexpr Example kProcessesExamples[] = {
    {"mimirctl processes", "The components that run in processes of their own."},
    {"mimirctl --socket \"$(mimirctl processes -o json | jq -r '.[0].admin_socket')\" status",
     "One of them, by its own admin API."},
};
constexpr Example kRingExamples[] = {
    {"mimirctl ring", "The members of all rings."},
    {"mimirctl ring ingester -o wide", "Of one ring, with tokens, zones and where it is kept."},
};
constexpr Example kForgetExamples[] = {
    {"mimirctl ring forget ingester old-host", "After that machine is gone for good."},
};
constexpr Example kLogLevelExamples[] = {
    {"mimirctl log-level", "The level now."},
    {"mimirctl log-level debug", "More, until the daemon restarts or reloads."},
};
constexpr Example kExplainExamples[] = {
    {"mimirctl explain module-needed", "What a code means, also without a daemon."},
    {"mimirctl explain querier", "What the module does now, why, and what to do next."},
};
constexpr Example kDoctorExamples[] = {
    {"mimirctl doctor", "What usually goes wrong, and how to mend it."}
};
constexpr Example kQueryExamples[] = {
    {"mimirctl query up", "The value of each series now."},
    {"mimirctl query 'rate(cortex_request_duration_seconds_count[5m])' --start=now-1h --step=5m",
     "Over an hour."},
};
constexpr Example kPushExamples[] = {
    {"mimirctl push 'room_celsius{room=\"lab\"} 21.5'", "One sample, stamped now."},
    {"mimirctl push < samples.txt", "A line each."},
};
constexpr Example kContinuousTestExamples[] = {
    {"mimirctl continuous-test --runs 3", "Three times, of the daemon's own public API."},
    {"mimirctl continuous-test --write-endpoint http://a:8080 --read-endpoint http://b:8080/prometheus "
     "--tenant test --duration 1h",
     "For an hour, of what other hosts serve."},
};
constexpr Example kShutdownExamples[] = {
    {"mimirctl shutdown --yes", "Drain and end the daemon without being asked."}
};
constexpr Example kCompletionExamples[] = {
    {"source <(mimirctl completion bash)", "For the running bash."},
    {"mimirctl completion fish > ~/.config/fish/completions/mimirctl.fish",
     "For every fish from now on."},
};
constexpr Example kVersionExamples[] = {{"mimirctl version", "Of mimirctl and of the daemon."}};

constexpr std::string_view kWaiting =
    "It waits until the operation has ended, and shows its steps on a terminal. Ctrl-C and --timeout end the\n"
    "waiting only. When the connection breaks or the daemon restarts, waiting goes on.";

constexpr Command kCommands[] = {
    {.name = "status",
     .summary = "What the daemon is and how it is doing.",
     .examples = kStatusExamples,
     .exit_codes = kFails,
     .run = run_status},
    {.name = "modules",
     .summary = "Every module: its state, since when, and why.",
     .examples = kModulesExamples,
     .exit_codes = kFails,
     .run = run_modules},
    {.name = "targets",
     .summary = "What -target and set-target can name.",
     .examples = kTargetsExamples,
     .exit_codes = kFails,
     .run = run_targets},
    {.name = "set-target",
     .summary = "Change what runs, live: what both targets need keeps running.",
     .description = kWaiting,
     .arguments = kTarget,
     .options = kSetTargetOptions,
     .examples = kSetTargetExamples,
     .exit_codes = kChanges,
     .run = run_set_target},
    {.name = "start",
     .summary = "Start modules and all that they need.",
     .description = kWaiting,
     .arguments = kModules,
     .options = kChangeOptions,
     .examples = kStartExamples,
     .exit_codes = kChanges,
     .run = run_start},
    {.name = "stop",
     .summary = "Drain and stop modules.",
     .description = kWaiting,
     .arguments = kModules,
     .options = kStopOptions,
     .examples = kStopExamples,
     .exit_codes = kChanges,
     .run = run_stop},
    {.name = "restart",
     .summary = "Stop modules with what depends on them, and start the same again.",
     .description = kWaiting,
     .arguments = kModules,
     .options = kChangeOptions,
     .examples = kRestartExamples,
     .exit_codes = kChanges,
     .run = run_restart},
    {.name = "operations",
     .summary = "Operations: list them, show, watch or cancel one.",
     .arguments = kOptionalOperation,
     .options = kListOptions,
     .examples = kOperationsExamples,
     .exit_codes = kReads,
     .run = run_operations},
    {.name = "operations list",
     .summary = "The newest operations.",
     .options = kListOptions,
     .examples = kOperationsListExamples,
     .exit_codes = kFails,
     .run = run_operations_list},
    {.name = "operations watch",
     .summary = "Wait for an operation, and say how it ended.",
     .description = kWaiting,
     .arguments = kOperation,
     .options = kWatchOptions,
     .examples = kWatchExamples,
     .exit_codes = kWaits,
     .run = run_operations_watch},
    {.name = "operations cancel",
     .summary = "Stop an operation at its next step, and undo what it did.",
     .description = kWaiting,
     .arguments = kOperation,
     .options = kCancelOptions,
     .examples = kCancelExamples,
     .exit_codes = kWaits,
     .run = run_operations_cancel},
    {.name = "events",
     .summary = "What happened, the oldest first.",
     .description = "With --follow -o json writes a line for each event, as jsonl does.",
     .options = kEventOptions,
     .examples = kEventsExamples,
     .exit_codes = kFollows,
     .run = run_events},
    {.name = "audit",
     .summary = "Who asked for what, and what became of it.",
     .options = kAuditOptions,
     .examples = kAuditExamples,
     .exit_codes = kSettings,
     .run = run_audit},
    {.name = "migrate",
     .summary =
         "Change the node's form: one process with all components, or one process a component.",
     .description =
         "The process that holds the newest samples keeps them; the other components start in processes beside it, are\n"
         "proven by a request, get the requests, and only then end where they were. Nothing is refused or lost.",
     .examples = kMigrateExamples},
    {.name = "migrate plan",
     .summary = "The steps that a migration would take.",
     .description =
         "As `migrate apply --dry-run`: exit code 10 says that there is something to do.",
     .arguments = kForm,
     .examples = kPlanExamples,
     .exit_codes = kPlans,
     .run = run_migrate_plan},
    {.name = "migrate apply",
     .summary = "Migrate to that form.",
     .description = kWaiting,
     .arguments = kForm,
     .options = kMigrateOptions,
     .examples = kApplyExamples,
     .exit_codes = kChanges,
     .run = run_migrate_apply},
    {.name = "migrate microservices",
     .summary = "One process a component: plan and apply in one.",
     .description = kWaiting,
     .options = kMigrateOptions,
     .examples = kMicroservicesExamples,
     .exit_codes = kChanges,
     .run = run_migrate_microservices},
    {.name = "migrate monolithic",
     .summary = "One process with all components: plan and apply in one.",
     .description = kWaiting,
     .options = kMigrateOptions,
     .examples = kMonolithicExamples,
     .exit_codes = kChanges,
     .run = run_migrate_monolithic},
    {.name = "migrate status",
     .summary = "The migration that is under way, or the last one.",
     .examples = kMigrateStatusExamples,
     .exit_codes = kReads,
     .run = run_migrate_status},
    {.name = "migrate report",
     .summary = "What was seen during the last migration: requests, failures, canaries.",
     .description =
         "While a node changes its form, the daemon writes a sample every 100 ms wherever writes go at that moment, and in\n"
         "the end reads all of them. Exit code 8 says that something was not as it should be.",
     .examples = kReportExamples,
     .exit_codes = kReports,
     .run = run_migrate_report},
    {.name = "migrate pause",
     .summary = "Let the migration wait before its next step.",
     .examples = kPauseExamples,
     .exit_codes = kSteers,
     .run = run_migrate_pause},
    {.name = "migrate resume",
     .summary = "Let a paused migration go on.",
     .description = kWaiting,
     .options = kRollbackOptions,
     .examples = kResumeExamples,
     .exit_codes = kWaits,
     .run = run_migrate_resume},
    {.name = "migrate complete",
     .summary = "Let a migration that --hold keeps before its point of no return pass it.",
     .description = kWaiting,
     .options = kRollbackOptions,
     .examples = kCompleteExamples,
     .exit_codes = kWaits,
     .run = run_migrate_resume},
    {.name = "migrate rollback",
     .summary = "Undo the migration: at once while it is under way, else by migrating back.",
     .description = kWaiting,
     .options = kRollbackOptions,
     .examples = kRollbackExamples,
     .exit_codes = kWaits,
     .run = run_migrate_rollback},
    {.name = "processes",
     .summary = "The processes that the daemon keeps running beside itself.",
     .examples = kProcessesExamples,
     .exit_codes = kFails,
     .run = run_processes},
    {.name = "ring",
     .summary = "Who is in the rings that this daemon reads.",
     .description = "Exit code 8 says that a ring is not as it should be.",
     .arguments = kRing,
     .examples = kRingExamples,
     .exit_codes = kShowsRings,
     .run = run_ring},
    {.name = "ring forget",
     .summary = "Remove the entry of a member that is gone for good.",
     .description = "A member that lives leaves by itself when it is stopped.",
     .arguments = kForget,
     .examples = kForgetExamples,
     .exit_codes = kForgets,
     .run = run_ring_forget},
    {.name = "config",
     .summary = "Check, show, compare or reload the configuration.",
     .examples = kConfigExamples},
    {.name = "config check",
     .summary = "Check a configuration file as a start of the daemon would.",
     .description =
         "The file is read here and checked by the daemon, with the daemon's own flags on top. Exit code 1 says\n"
         "that it is wrong.",
     .arguments = kFile,
     .examples = kCheckExamples,
     .exit_codes = kReads,
     .run = run_config_check},
    {.name = "config show",
     .summary = "The settings in force, as YAML.",
     .options = kShowOptions,
     .examples = kShowExamples,
     .exit_codes = kFails,
     .run = run_config_show},
    {.name = "config diff",
     .summary = "What a reload of the configuration file would change.",
     .examples = kDiffExamples,
     .exit_codes = kReads,
     .run = run_config_diff},
    {.name = "config reload",
     .summary = "Read the file again and restart the modules whose settings changed.",
     .description = kWaiting,
     .options = kChangeOptions,
     .examples = kReloadExamples,
     .exit_codes = kChanges,
     .run = run_config_reload},
    {.name = "log-level",
     .summary = "Show or change what is logged.",
     .arguments = kLevel,
     .examples = kLogLevelExamples,
     .exit_codes = kSettings,
     .run = run_log_level},
    {.name = "explain",
     .summary = "What a problem's code means, or why a module or a ring's member is as it is.",
     .arguments = kWord,
     .examples = kExplainExamples,
     .exit_codes = kReads,
     .run = run_explain},
    {.name = "doctor",
     .summary = "Look at what usually goes wrong, and say how to mend it.",
     .description = "Exit code 8 says that there are warnings, 1 that something is wrong.",
     .examples = kDoctorExamples,
     .exit_codes = kChecks,
     .run = run_doctor},
    {.name = "query",
     .summary = "Ask the public API with PromQL.",
     .description =
         "Of one instant, or with --start of a range. -o json is the server's own answer.",
     .arguments = kExpression,
     .options = kQueryOptions,
     .examples = kQueryExamples,
     .exit_codes = kPublic,
     .run = run_query},
    {.name = "push",
     .summary = "Send samples to the public API by remote write.",
     .description =
         "Lines are name{label=\"value\"} number [milliseconds since 1970]; without a time it is now. When a line\n"
         "cannot be read, nothing is sent.",
     .arguments = kLines,
     .options = kPushOptions,
     .examples = kPushExamples,
     .exit_codes = kPublic,
     .run = run_push},
    {.name = "continuous-test",
     .summary = "Write series whose values are known, ask for them again, and say what is wrong.",
     .description =
         "It says a line for each run, and what was missing, wrong or doubled; in the end a table. Exit code 1 says that\n"
         "something failed. It goes on where an earlier one or the daemon's module continuous-test ended, with as many\n"
         "series and the same tenant.",
     .options = kContinuousTestOptions,
     .examples = kContinuousTestExamples,
     .exit_codes = kReads,
     .run = run_continuous_test},
    {.name = "shutdown",
     .summary = "Drain and end the daemon.",
     .description = "On a terminal it asks first. It waits until the daemon has ended.",
     .options = kShutdownOptions,
     .examples = kShutdownExamples,
     .exit_codes = kEnds,
     .run = run_shutdown},
    {.name = "completion",
     .summary = "The script that completes mimirctl's words in a shell.",
     .arguments = kShell,
     .examples = kCompletionExamples,
     .run = run_completion,
     .needs_daemon = false},
    {.name = "version",
     .summary = "Versions of mimirctl and of the daemon.",
     .examples = kVersionExamples,
     .run = run_version,
     .needs_daemon = false},
    {.name = "__complete",
     .summary = "What the last word can become; the shells' scripts call it.",
     .run = run_complete,
     .is_hidden = true},
};

constexpr ExitCodeText kExitCodes[] = {
    {done, "Done, or as asked for already."},
    {failed, "Failed, or canceled."},
    {usage, "The command line or its input is wrong."},
    {not_found, "There is no such thing, or it is not running."},
    {not_permitted, "Not permitted."},
    {refused, "Refused: unsafe, stale or in conflict."},
    {timed_out, "Waiting took too long; the operation goes on."},
    {unreachable, "The daemon cannot be reached."},
    {degraded, "Done, but with warnings."},
    {plan_has_changes, "The plan has changes (--dry-run)."},
    {detached, "Ctrl-C ended the waiting; the operation goes on."},
};

constexpr VariableText kVariables[] = {
    {"MIMIRCTL_SOCKET", "As --socket, which wins."},
    {"MIMIRCTL_TOKEN", "The bearer token, unless --token-file is given."},
    {"NO_COLOR", "When it is not empty there are no colours."},
    {"XDG_RUNTIME_DIR", "Its mimird/admin.sock is tried when /run/mimird/admin.sock is not there."},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }
std::span<const Option> global_options() { return kGlobal; }
std::span<const ExitCodeText> exit_code_texts() { return kExitCodes; }
std::span<const VariableText> variable_texts() { return kVariables; }

const Command* find_command(std::string_view name) {
    const auto* at = std::ranges::find(kCommands, name, &Command::name);
    return at == std::end(kCommands) ? nullptr : at;
}

std::vector<const Command*> verbs_of(std::string_view group) {
    std::vector<const Command*> verbs;
    for (const Command& command : kCommands) {
        if (command.group() == group && command.name != group) verbs.push_back(&command);
    }
    return verbs;
}

bool is_group(std::string_view name) { return !verbs_of(name).empty(); }

std::vector<std::string_view> top_level_names() {
    std::vector<std::string_view> names;
    for (const Command& command : kCommands) {
        if (command.name == command.group() && !command.is_hidden) names.push_back(command.name);
    }
    return names;
}

}  // namespace mimir::ctl
