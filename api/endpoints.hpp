#pragma once

// Every endpoint of the admin API (a flat table).

#include <span>

#include "api/endpoint.hpp"
#include "api/types.hpp"

namespace mimir::api {

namespace detail {
inline constexpr std::string_view kModuleProblems[] = {
    "module-none-named",
    "module-unknown",
    "module-needed",
    "module-always-runs",
    "revision-stale",
    "operations-full",
    "journal-unavailable",
    "idempotency-key-reused"
};
inline constexpr std::string_view kTargetProblems[] = {
    "target-unknown",
    "revision-stale",
    "operations-full",
    "journal-unavailable",
    "idempotency-key-reused"
};
inline constexpr std::string_view kModuleUnknown[] = {"module-unknown"};
inline constexpr std::string_view kRingUnknown[] = {"ring-unknown"};
inline constexpr std::string_view kForgetProblems[] = {
    "ring-unknown", "member-unknown", "member-lives", "journal-unavailable"
};
inline constexpr std::string_view kOperationUnknown[] = {
    "operation-unknown", "journal-unavailable"
};
inline constexpr std::string_view kCancelProblems[] = {
    "conflict", "operation-unknown", "operation-ended", "journal-unavailable"
};
inline constexpr std::string_view kJournalProblems[] = {"journal-unavailable"};
inline constexpr std::string_view kReloadProblems[] = {
    "config-invalid",
    "config-no-file",
    "revision-stale",
    "operations-full",
    "journal-unavailable",
    "idempotency-key-reused"
};
inline constexpr std::string_view kMigrationProblems[] = {
    "migration-not-a-node",
    "migration-under-way",
    "preflight-failed",
    "revision-stale",
    "operations-full",
    "journal-unavailable",
    "idempotency-key-reused"
};
inline constexpr std::string_view kDiffProblems[] = {"config-invalid", "config-no-file"};

inline constexpr Parameter kFollow[] = {
    {"after", "Only what came after this cursor."},
    {"limit",
     "At most so many: the first after the cursor, or the newest without one; 100 unless given, 1000 at most. Not "
     "with follow."},
    {"follow",
     "true: a stream of lines (application/x-ndjson) that goes on; empty lines keep it alive."},
};
inline constexpr Parameter kPages[] = {
    {"after", "Only what came after this sequence number."},
    {"limit",
     "At most so many: the first after that number, or the newest without one; 100 unless given, 1000 at most."
    },
};
inline constexpr Parameter kOperationList[] = {
    {"limit", "At most so many, the newest; 20 unless given, 1000 at most."},
};
inline constexpr Parameter kWatch[] = {
    {"after", "The version that is known already: the stream begins with the first newer one."},
};
inline constexpr Parameter kConfigModes[] = {
    {"mode",
     "effective (all settings, the default), diff (those that differ from their defaults) or defaults."
    },
};
}  // namespace detail

inline constexpr EndpointOf<None, ApiVersion> kGetVersion{{
    .id = "getVersion",
    .path = "/admin/version",
    .summary = "The versions of program and API. Not versioned itself, so that any client can ask.",
}};
inline constexpr EndpointOf<None, Status> kGetStatus{{
    .id = "getStatus",
    .path = "/admin/v1/status",
    .summary = "What the daemon is and how it is doing.",
    .is_public = true,
}};
inline constexpr EndpointOf<None, std::vector<Module>> kListModules{{
    .id = "listModules",
    .path = "/admin/v1/modules",
    .summary = "Every module, dependencies first.",
    .is_public = true,
}};
inline constexpr EndpointOf<None, Module> kGetModule{{
    .id = "getModule",
    .path = "/admin/v1/modules/{name}",
    .summary = "One module.",
    .problems = detail::kModuleUnknown,
}};
inline constexpr EndpointOf<ChangeRequest, ChangeResult> kStartModules{{
    .id = "startModules",
    .method = Method::post,
    .path = "/admin/v1/modules/{name}/start",
    .summary =
        "Starts a module, or several joined by commas, and all that they need. Lasts until the daemon "
        "restarts, which runs its target.",
    .role = Role::change,
    .problems = detail::kModuleProblems,
}};
inline constexpr EndpointOf<ChangeRequest, ChangeResult> kStopModules{{
    .id = "stopModules",
    .method = Method::post,
    .path = "/admin/v1/modules/{name}/stop",
    .summary =
        "Drains and stops a module, or several joined by commas, and what only they needed. Lasts until the "
        "daemon restarts, which runs its target.",
    .role = Role::change,
    .problems = detail::kModuleProblems,
}};
inline constexpr EndpointOf<ChangeRequest, ChangeResult> kRestartModules{{
    .id = "restartModules",
    .method = Method::post,
    .path = "/admin/v1/modules/{name}/restart",
    .summary =
        "Stops a module, or several joined by commas, with what depends on them, and starts the same again.",
    .role = Role::change,
    .problems = detail::kModuleProblems,
}};
inline constexpr EndpointOf<None, std::vector<Target>> kListTargets{{
    .id = "listTargets",
    .path = "/admin/v1/targets",
    .summary = "What -target and set-target can name.",
}};
inline constexpr EndpointOf<None, TargetView> kGetTarget{{
    .id = "getTarget",
    .path = "/admin/v1/target",
    .summary = "The target that runs, the one that is stored, and the one that is configured.",
}};
inline constexpr EndpointOf<TargetRequest, ChangeResult> kSetTarget{{
    .id = "setTarget",
    .method = Method::put,
    .path = "/admin/v1/target",
    .summary =
        "Changes the target live: what both targets need runs on untouched. The target is stored, and is what "
        "the daemon comes back with.",
    .role = Role::change,
    .problems = detail::kTargetProblems,
}};
inline constexpr EndpointOf<ChangeRequest, ChangeResult> kResetTarget{{
    .id = "resetTarget",
    .method = Method::delete_,
    .path = "/admin/v1/target",
    .summary = "Forgets the stored target and goes back, live, to the configured one.",
    .role = Role::change,
    .problems = detail::kTargetProblems,
}};
inline constexpr EndpointOf<None, std::vector<Operation>> kListOperations{{
    .id = "listOperations",
    .path = "/admin/v1/operations",
    .summary = "Operations, the newest first.",
    .query = detail::kOperationList,
    .problems = detail::kJournalProblems,
    .is_public = true,
}};
inline constexpr EndpointOf<None, Operation> kGetOperation{{
    .id = "getOperation",
    .path = "/admin/v1/operations/{id}",
    .summary = "One operation.",
    .problems = detail::kOperationUnknown,
}};
inline constexpr EndpointOf<None, std::vector<Operation>> kWatchOperation{{
    .id = "watchOperation",
    .path = "/admin/v1/operations/{id}/watch",
    .summary =
        "A line (application/x-ndjson) with the whole operation for each of its versions, until it has ended. "
        "Resumes after any version; empty lines keep it alive.",
    .query = detail::kWatch,
    .problems = detail::kOperationUnknown,
    .body = Body::ndjson,
}};
inline constexpr EndpointOf<None, Operation> kCancelOperation{{
    .id = "cancelOperation",
    .method = Method::post,
    .path = "/admin/v1/operations/{id}/cancel",
    .summary = "Asks an operation to stop at its next step and to undo what it did.",
    .role = Role::change,
    .problems = detail::kCancelProblems,
}};
inline constexpr EndpointOf<None, Operation> kPauseOperation{{
    .id = "pauseOperation",
    .method = Method::post,
    .path = "/admin/v1/operations/{id}/pause",
    .summary = "Lets a migration wait before its next step, until it is resumed or canceled.",
    .role = Role::change,
    .problems = detail::kCancelProblems,
}};
inline constexpr EndpointOf<None, Operation> kResumeOperation{{
    .id = "resumeOperation",
    .method = Method::post,
    .path = "/admin/v1/operations/{id}/resume",
    .summary = "Lets a migration that was paused, or held, go on.",
    .role = Role::change,
    .problems = detail::kCancelProblems,
}};
inline constexpr EndpointOf<None, std::vector<Operation>> kListMigrations{{
    .id = "listMigrations",
    .path = "/admin/v1/migrations",
    .summary = "The newest operations that changed, or are to change, the node's form.",
    .query = detail::kOperationList,
    .problems = detail::kJournalProblems,
}};
inline constexpr EndpointOf<MigrationRequest, ChangeResult> kMigrate{{
    .id = "migrate",
    .method = Method::post,
    .path = "/admin/v1/migrations",
    .summary =
        "Changes the node's form: from one process with all components to one process a component, or back. Nothing is "
        "refused or lost meanwhile; before its point of no return it can be canceled, which undoes it.",
    .role = Role::change,
    .problems = detail::kMigrationProblems,
}};
inline constexpr EndpointOf<None, std::vector<Process>> kListProcesses{{
    .id = "listProcesses",
    .path = "/admin/v1/processes",
    .summary = "The processes that the daemon keeps running beside itself.",
}};
inline constexpr EndpointOf<None, std::vector<Event>> kListEvents{{
    .id = "listEvents",
    .path = "/admin/v1/events",
    .summary = "What happened, the oldest first.",
    .query = detail::kFollow,
    .body = Body::ndjson,
    .is_public = true,
}};
inline constexpr EndpointOf<None, std::vector<AuditEntry>> kListAudit{{
    .id = "listAudit",
    .path = "/admin/v1/audit",
    .summary = "Who asked for what, and what became of it, the oldest first.",
    .query = detail::kPages,
    .problems = detail::kJournalProblems,
}};
inline constexpr EndpointOf<None, ConfigView> kGetConfig{{
    .id = "getConfig",
    .path = "/admin/v1/config",
    .summary = "The settings in force, as YAML.",
    .query = detail::kConfigModes,
}};
inline constexpr EndpointOf<None, ConfigDiff> kDiffConfig{{
    .id = "diffConfig",
    .path = "/admin/v1/config/diff",
    .summary = "What a reload of the configuration file would change.",
    .problems = detail::kDiffProblems,
}};
inline constexpr EndpointOf<ConfigCheckRequest, ConfigFindings> kCheckConfig{{
    .id = "checkConfig",
    .method = Method::post,
    .path = "/admin/v1/config/check",
    .summary =
        "Checks the text of a configuration file as a start of this daemon would, with its flags on top. "
        "Changes nothing, but its findings may show what the file takes from the daemon's environment.",
    .role = Role::change,
}};
inline constexpr EndpointOf<ChangeRequest, ChangeResult> kReloadConfig{{
    .id = "reloadConfig",
    .method = Method::post,
    .path = "/admin/v1/config/reload",
    .summary =
        "Reads the configuration file again and restarts only the modules whose settings changed. A bad file "
        "is refused before anything is touched.",
    .role = Role::change,
    .problems = detail::kReloadProblems,
}};
inline constexpr EndpointOf<None, LogLevel> kGetLogLevel{{
    .id = "getLogLevel",
    .path = "/admin/v1/log-level",
    .summary = "Least severe lines that are logged.",
}};
inline constexpr EndpointOf<LogLevel, LogLevel> kSetLogLevel{{
    .id = "setLogLevel",
    .method = Method::put,
    .path = "/admin/v1/log-level",
    .summary = "Changes what is logged until the daemon restarts or reloads its configuration.",
    .role = Role::change,
    .problems = detail::kJournalProblems,
}};
inline constexpr EndpointOf<None, std::vector<Ring>> kListRings{{
    .id = "listRings",
    .path = "/admin/v1/rings",
    .summary = "The rings that this daemon reads, with their members.",
}};
inline constexpr EndpointOf<None, Ring> kGetRing{{
    .id = "getRing",
    .path = "/admin/v1/rings/{name}",
    .summary = "One ring.",
    .problems = detail::kRingUnknown,
}};
inline constexpr EndpointOf<ForgetRequest, Ring> kForgetMember{{
    .id = "forgetMember",
    .method = Method::post,
    .path = "/admin/v1/rings/{name}/forget",
    .summary =
        "Removes the entry of a member that is gone for good: its series are then nobody's to ask for. A "
        "member whose heartbeat is fresh is not removed.",
    .role = Role::change,
    .problems = detail::kForgetProblems,
}};
inline constexpr EndpointOf<None, std::vector<DoctorCheck>> kDoctor{{
    .id = "doctor",
    .path = "/admin/v1/doctor",
    .summary =
        "Looks at what usually goes wrong: disks, descriptors, clock, modules, journal, target.",
}};
inline constexpr EndpointOf<None, Message> kShutdown{{
    .id = "shutdown",
    .method = Method::post,
    .path = "/admin/v1/shutdown",
    .summary = "Drains and ends the daemon, as SIGTERM does.",
    .role = Role::change,
    .problems = detail::kJournalProblems,
}};
inline constexpr EndpointOf<None, None> kOpenApi{{
    .id = "openapi",
    .path = "/admin/v1/openapi.json",
    .summary = "This document (OpenAPI 3.1).",
    .body = Body::other,
}};

/// All of the above, in that order.
std::span<const Endpoint* const> endpoints();

}  // namespace mimir::api
