#pragma once

// What the admin API takes and gives (a flat table): types shared by daemon and mimirctl. The text of a field is its
// documentation in OpenAPI and in docs/admin-api.md. A field is never renamed or given another meaning within an API version; new ones
// may come, and clients ignore those that they do not know.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/fields.hpp"
#include "base/types.hpp"

namespace mimir::api {

/// The versions of the API that this build speaks.
inline constexpr std::uint32_t kApiMin = 1;
inline constexpr std::uint32_t kApiMax = 1;

struct ApiVersion {
    std::string version;
    std::uint32_t api_min = kApiMin;
    std::uint32_t api_max = kApiMax;

    static constexpr std::string_view kSchema = "ApiVersion";
    static void fields(auto&& field) {
        field("version", &ApiVersion::version, "Of the program.");
        field("api_min", &ApiVersion::api_min, "Oldest version of the API that it serves.");
        field("api_max", &ApiVersion::api_max, "Newest version of the API that it serves.");
    }
};

enum class Mode : std::uint8_t { monolithic, microservices, custom };
constexpr auto enum_names(Mode) {
    return std::array<std::string_view, 3>{"monolithic", "microservices", "custom"};
}

/// Where the target that runs came from; the first that there is wins.
enum class TargetSource : std::uint8_t { command_line, stored, file, built_in, changed };
constexpr auto enum_names(TargetSource) {
    return std::array<std::string_view, 5>{"command-line", "stored", "file", "default", "changed"};
}

struct Status {
    std::string version;
    std::string build_revision;
    std::string target;
    TargetSource target_source = TargetSource::built_in;
    Mode mode = Mode::custom;
    bool scaled_out = false;
    bool ready = false;
    std::vector<std::string> not_ready;
    std::uint64_t revision = 0;
    std::uint32_t modules_running = 0;
    std::uint32_t modules_failed = 0;
    std::optional<std::string> operation;
    std::string journal;
    std::int64_t pid = 0;
    TimestampMs started;
    std::uint64_t resident_bytes = 0;
    std::uint64_t open_fds = 0;
    std::uint64_t threads = 0;
    std::string http_address;
    std::string prometheus_prefix;
    std::string admin_socket;
    std::string state_dir;
    std::string config_file;

    static constexpr std::string_view kSchema = "Status";
    static void fields(auto&& field) {
        field("version", &Status::version, "Of the program.");
        field("build_revision", &Status::build_revision, "Of the source, abbreviated.");
        field("target", &Status::target, "What runs, as -target takes it.");
        field("target_source", &Status::target_source, "Who chose the target.");
        field(
            "mode",
            &Status::mode,
            "monolithic when all components of `all` run, microservices when one component does, "
            "else custom."
        );
        field(
            "scaled_out",
            &Status::scaled_out,
            "Whether it shares the ingesters' ring with other hosts, over etcd."
        );
        field("ready", &Status::ready, "Whether /ready answers 200.");
        field(
            "not_ready", &Status::not_ready, "What is not running though it should, a line each."
        );
        field(
            "revision",
            &Status::revision,
            "Grows with every change of what should run and of any module's state, over restarts "
            "too. It is the ETag; changes take it as If-Match."
        );
        field("modules_running", &Status::modules_running, "How many modules run.");
        field("modules_failed", &Status::modules_failed, "How many modules have failed.");
        field("operation", &Status::operation, "Id of the operation under way.");
        field(
            "journal",
            &Status::journal,
            "`ok`, or why the journal cannot be written; changes are refused then."
        );
        field("pid", &Status::pid, "Of the daemon.");
        field("started", &Status::started, "When the daemon started.");
        field("resident_bytes", &Status::resident_bytes, "Memory that the daemon holds.");
        field("open_fds", &Status::open_fds, "File descriptors that are open.");
        field("threads", &Status::threads, "Threads of the daemon.");
        field(
            "http_address",
            &Status::http_address,
            "Where the public API listens; empty while it does not."
        );
        field("prometheus_prefix", &Status::prometheus_prefix, "Path of Prometheus' API on it.");
        field("admin_socket", &Status::admin_socket, "Where the admin API listens.");
        field("state_dir", &Status::state_dir, "The node's state folder.");
        field("config_file", &Status::config_file, "Of -config.file; empty when there is none.");
    }
};

enum class ModuleState : std::uint8_t { running, stopped, starting, stopping, failed };
constexpr auto enum_names(ModuleState) {
    return std::array<std::string_view, 5>{"running", "stopped", "starting", "stopping", "failed"};
}

struct Module {
    std::string name;
    ModuleState state = ModuleState::stopped;
    TimestampMs since;
    bool in_all = false;
    std::vector<std::string> dependencies;
    std::string error;
    bool targetable = false;
    bool wanted = false;
    bool always = false;
    std::vector<std::string> needed_by;
    std::uint32_t restarts = 0;
    std::optional<TimestampMs> next_restart;
    std::vector<std::string> routes;

    static constexpr std::string_view kSchema = "Module";
    static void fields(auto&& field) {
        field("name", &Module::name, "Its name.");
        field("state", &Module::state, "What it does now.");
        field("since", &Module::since, "Since when; the daemon's start for what never ran.");
        field("in_all", &Module::in_all, "Whether the target `all` contains it.");
        field(
            "dependencies", &Module::dependencies, "Modules that must run before and while it runs."
        );
        field("error", &Module::error, "Why it failed, or was stopped unasked; else empty.");
        field("targetable", &Module::targetable, "Whether -target and set-target may name it.");
        field(
            "wanted", &Module::wanted, "Whether someone asked for it, rather than another module."
        );
        field("always", &Module::always, "Whether it runs in every process and cannot be stopped.");
        field("needed_by", &Module::needed_by, "Modules that depend on it directly.");
        field(
            "restarts", &Module::restarts, "How often in a row it was started again after failures."
        );
        field("next_restart", &Module::next_restart, "When it will be started again.");
        field("routes", &Module::routes, "Paths that it serves now on the public port.");
    }
};

struct Target {
    std::string name;
    bool in_all = false;
    bool current = false;
    std::vector<std::string> modules;

    static constexpr std::string_view kSchema = "Target";
    static void fields(auto&& field) {
        field(
            "name", &Target::name, "What -target and set-target take; several are joined by commas."
        );
        field("in_all", &Target::in_all, "Whether the target `all` contains it.");
        field("current", &Target::current, "Whether the target that runs names it.");
        field("modules", &Target::modules, "What runs for it, in the order of starting.");
    }
};

struct TargetView {
    std::string target;
    TargetSource source = TargetSource::built_in;
    std::optional<std::string> stored;
    std::string configured;
    std::string after_restart;
    std::uint64_t revision = 0;

    static constexpr std::string_view kSchema = "TargetView";
    static void fields(auto&& field) {
        field("target", &TargetView::target, "What runs.");
        field("source", &TargetView::source, "Who chose it.");
        field("stored", &TargetView::stored, "What set-target stored.");
        field(
            "configured",
            &TargetView::configured,
            "What command line, file or default say without the stored one."
        );
        field("after_restart", &TargetView::after_restart, "What a restarted daemon would run.");
        field("revision", &TargetView::revision, "As in Status.");
    }
};

enum class StepState : std::uint8_t { planned, running, done, failed, undone, skipped };
constexpr auto enum_names(StepState) {
    return std::array<std::string_view, 6>{
        "planned", "running", "done", "failed", "undone", "skipped"
    };
}

struct Step {
    std::string action;
    std::string subject;
    std::string gate;
    std::string undo;
    StepState state = StepState::planned;
    std::optional<TimestampMs> started;
    std::optional<TimestampMs> ended;
    std::string error;

    static constexpr std::string_view kSchema = "Step";
    static void fields(auto&& field) {
        field(
            "action",
            &Step::action,
            "What is done: start, stop, store-target, forget-target, apply-settings; in a migration also "
            "start-process, prove, prove-process, route-here, route-to-process, set-target, stop-process."
        );
        field("subject", &Step::subject, "To what.");
        field("gate", &Step::gate, "What must be seen before the step counts as done.");
        field("undo", &Step::undo, "What takes it back; empty when nothing needs to.");
        field("state", &Step::state, "How far it is.");
        field("started", &Step::started, "When it began.");
        field("ended", &Step::ended, "When it ended.");
        field("error", &Step::error, "Why it failed; else empty.");
    }
};

/// Ended ones are done (as asked), failed (undone as far as each step says) and canceled (undone).
enum class OperationState : std::uint8_t { pending, running, paused, done, failed, canceled };
constexpr auto enum_names(OperationState) {
    return std::array<std::string_view, 6>{
        "pending", "running", "paused", "done", "failed", "canceled"
    };
}
constexpr bool has_ended(OperationState state) { return state >= OperationState::done; }

/// What was seen while a node changed its form.
struct MigrationReport {
    std::uint64_t requests = 0;
    std::uint64_t requests_failed = 0;
    std::uint64_t requests_retried = 0;
    std::uint64_t requests_parked = 0;
    std::uint64_t canaries = 0;
    std::uint64_t canaries_failed = 0;
    std::uint64_t canaries_acknowledged = 0;
    std::uint64_t canaries_readable = 0;
    std::uint64_t longest_gap_ms = 0;
    std::string failure;

    static constexpr std::string_view kSchema = "MigrationReport";
    static void fields(auto&& field) {
        field(
            "requests",
            &MigrationReport::requests,
            "That went through the gateway, from its start to the end of the report."
        );
        field(
            "requests_failed",
            &MigrationReport::requests_failed,
            "Those of them that were answered 5xx, whoever was at fault."
        );
        field(
            "requests_retried",
            &MigrationReport::requests_retried,
            "Those that were sent to another instance after one had failed."
        );
        field(
            "requests_parked",
            &MigrationReport::requests_parked,
            "Those that waited while no instance answered."
        );
        field(
            "canaries",
            &MigrationReport::canaries,
            "Samples of mimird_canary that were written meanwhile, each wherever writes went at that moment."
        );
        field(
            "canaries_failed",
            &MigrationReport::canaries_failed,
            "Those that were not acknowledged."
        );
        field("canaries_acknowledged", &MigrationReport::canaries_acknowledged, "Those that were.");
        field(
            "canaries_readable",
            &MigrationReport::canaries_readable,
            "How many samples a query found in the end, wherever queries went then."
        );
        field(
            "longest_gap_ms",
            &MigrationReport::longest_gap_ms,
            "Longest time between two acknowledgements of canaries."
        );
        field(
            "failure",
            &MigrationReport::failure,
            "Why a canary was not acknowledged or not read: the first reason; else empty."
        );
    }
};

struct Operation {
    std::string id;
    std::string kind;
    std::string summary;
    OperationState state = OperationState::pending;
    std::uint64_t version = 0;
    std::string requested_by;
    TimestampMs created;
    std::optional<TimestampMs> started;
    std::optional<TimestampMs> ended;
    std::vector<Step> steps;
    std::string error;
    std::string code;
    std::string note;
    std::vector<std::string> warnings;
    std::optional<MigrationReport> report;

    static constexpr std::string_view kSchema = "Operation";
    static void fields(auto&& field) {
        field("id", &Operation::id, "Unique on this node, for ever: op-17.");
        field(
            "kind",
            &Operation::kind,
            "start, stop, restart, set-target, reset-target, reload-config, migrate or end-processes."
        );
        field("summary", &Operation::summary, "In words.");
        field("state", &Operation::state, "How far it is.");
        field(
            "version",
            &Operation::version,
            "Grows with each change of this record; the cursor of its watch."
        );
        field("requested_by", &Operation::requested_by, "Who asked for it.");
        field("created", &Operation::created, "When it was asked for.");
        field("started", &Operation::started, "When its first step began.");
        field("ended", &Operation::ended, "When it ended.");
        field("steps", &Operation::steps, "What it does, in order.");
        field("error", &Operation::error, "Why it failed; else empty.");
        field("code", &Operation::code, "The stable code of that error.");
        field(
            "note",
            &Operation::note,
            "What else a person should know, such as how a restart ended it."
        );
        field("warnings", &Operation::warnings, "What is done but not as well as it should be.");
        field("report", &Operation::report, "Of a migration: what was seen meanwhile.");
    }
};

struct ChangeRequest {
    bool cascade = false;
    bool dry_run = false;

    static constexpr std::string_view kSchema = "ChangeRequest";
    static void fields(auto&& field) {
        field(
            "cascade", &ChangeRequest::cascade, "When others need what shall stop, stop them too."
        );
        field("dry_run", &ChangeRequest::dry_run, "Only say what would be done.");
    }
};

struct TargetRequest {
    std::string target;
    bool dry_run = false;

    static constexpr std::string_view kSchema = "TargetRequest";
    static void fields(auto&& field) {
        field("target", &TargetRequest::target, "A target, or several joined by commas.");
        field("dry_run", &TargetRequest::dry_run, "Only say what would be done.");
    }
};

/// The form that a node is to have.
enum class Form : std::uint8_t { monolithic, microservices };
constexpr auto enum_names(Form) {
    return std::array<std::string_view, 2>{"monolithic", "microservices"};
}

struct MigrationRequest {
    std::optional<Form> to;
    bool rehearse = false;
    bool hold = false;
    bool dry_run = false;

    static constexpr std::string_view kSchema = "MigrationRequest";
    static void fields(auto&& field) {
        field("to", &MigrationRequest::to, "The form that the node is to have; must be given.");
        field(
            "rehearse",
            &MigrationRequest::rehearse,
            "Do everything up to the point of no return, and then undo it."
        );
        field(
            "hold",
            &MigrationRequest::hold,
            "Pause before the point of no return, while old and new instances run, until it is resumed "
            "or canceled."
        );
        field("dry_run", &MigrationRequest::dry_run, "Only say what would be done.");
    }
};

enum class ProcessState : std::uint8_t { starting, running, waiting, failed, stopping };
constexpr auto enum_names(ProcessState) {
    return std::array<std::string_view, 5>{"starting", "running", "waiting", "failed", "stopping"};
}

/// A process that the daemon keeps running beside itself.
struct Process {
    std::string name;
    ProcessState state = ProcessState::starting;
    std::int64_t pid = 0;
    TimestampMs since;
    std::uint32_t restarts = 0;
    std::string admin_socket;
    std::string error;

    static constexpr std::string_view kSchema = "Process";
    static void fields(auto&& field) {
        field("name", &Process::name, "The module that it runs.");
        field(
            "state",
            &Process::state,
            "starting: it is not ready yet; running: it says that it is ready; waiting: it ended by itself and is "
            "started again after a while; failed: it ended too often and is left alone; stopping."
        );
        field("pid", &Process::pid, "0 while there is none.");
        field("since", &Process::since, "Since when it is in this state.");
        field("restarts", &Process::restarts, "How often in a row it was started again.");
        field("admin_socket", &Process::admin_socket, "Where its own admin API is.");
        field("error", &Process::error, "Why it ended, or is not ready; empty when all is well.");
    }
};

struct ChangeResult {
    bool changed = false;
    bool dry_run = false;
    std::string message;
    std::vector<std::string> warnings;
    std::vector<Step> steps;
    std::optional<Operation> operation;

    static constexpr std::string_view kSchema = "ChangeResult";
    static void fields(auto&& field) {
        field("changed", &ChangeResult::changed, "False when all is as asked for already.");
        field("dry_run", &ChangeResult::dry_run, "True when nothing was begun because of dry_run.");
        field("message", &ChangeResult::message, "For people.");
        field("warnings", &ChangeResult::warnings, "What to know before.");
        field("steps", &ChangeResult::steps, "The plan: exactly what the operation does.");
        field("operation", &ChangeResult::operation, "What was begun.");
    }
};

enum class Severity : std::uint8_t { info, warning, error };
constexpr auto enum_names(Severity) {
    return std::array<std::string_view, 3>{"info", "warning", "error"};
}

struct Event {
    std::uint64_t cursor = 0;
    TimestampMs time;
    Severity severity = Severity::info;
    std::string kind;
    std::string subject;
    std::string message;
    std::optional<std::string> operation;
    std::optional<std::uint64_t> missed;

    static constexpr std::string_view kSchema = "Event";
    static void fields(auto&& field) {
        field("cursor", &Event::cursor, "Grows, over restarts too; `after` takes it.");
        field("time", &Event::time, "When it happened.");
        field("severity", &Event::severity, "How bad it is.");
        field("kind", &Event::kind, "module, operation, config, daemon or admin.");
        field("subject", &Event::subject, "Of what: a module, an operation.");
        field("message", &Event::message, "What happened.");
        field("operation", &Event::operation, "The operation that it belongs to.");
        field(
            "missed",
            &Event::missed,
            "On the first event after a gap: how many older ones since the cursor are no longer kept."
        );
    }
};

struct AuditEntry {
    std::uint64_t seq = 0;
    TimestampMs time;
    std::string actor;
    std::optional<std::uint32_t> uid;
    std::optional<std::int32_t> pid;
    std::string via;
    std::string action;
    std::string subject;
    std::string detail;
    std::uint64_t revision = 0;
    std::string outcome;
    std::optional<std::uint64_t> of;
    std::string hash;

    static constexpr std::string_view kSchema = "AuditEntry";
    static void fields(auto&& field) {
        field("seq", &AuditEntry::seq, "Counts from 1.");
        field("time", &AuditEntry::time, "When it was written.");
        field("actor", &AuditEntry::actor, "Who: a user's name, a token's name, or mimird itself.");
        field("uid", &AuditEntry::uid, "As the kernel vouches, on the unix socket.");
        field("pid", &AuditEntry::pid, "As the kernel vouches, on the unix socket.");
        field(
            "via", &AuditEntry::via, "unix, tcp, signal, or start: what a start found and ended."
        );
        field("action", &AuditEntry::action, "start, stop, restart, set-target, ...");
        field("subject", &AuditEntry::subject, "What it was asked for.");
        field("detail", &AuditEntry::detail, "Options, or why it was refused or failed.");
        field("revision", &AuditEntry::revision, "The daemon's revision before.");
        field(
            "outcome",
            &AuditEntry::outcome,
            "requested, then done, failed, refused, unchanged or canceled."
        );
        field("of", &AuditEntry::of, "The entry of the request that this is the outcome of.");
        field("hash", &AuditEntry::hash, "SHA-256 over the entry before and this one.");
    }
};

struct ConfigView {
    std::string file;
    std::string yaml;

    static constexpr std::string_view kSchema = "ConfigView";
    static void fields(auto&& field) {
        field("file", &ConfigView::file, "Of -config.file; empty when there is none.");
        field("yaml", &ConfigView::yaml, "The settings; secrets are ********.");
    }
};

struct ConfigCheckRequest {
    std::string yaml;
    std::string name;

    static constexpr std::string_view kSchema = "ConfigCheckRequest";
    static void fields(auto&& field) {
        field("yaml", &ConfigCheckRequest::yaml, "Text of a configuration file.");
        field("name", &ConfigCheckRequest::name, "What to call it in findings.");
    }
};

struct ConfigFindings {
    bool ok = false;
    std::vector<std::string> findings;

    static constexpr std::string_view kSchema = "ConfigFindings";
    static void fields(auto&& field) {
        field("ok", &ConfigFindings::ok, "Whether a daemon would start with it.");
        field(
            "findings",
            &ConfigFindings::findings,
            "Everything that is wrong, a line each: where, and what."
        );
    }
};

struct ConfigDifference {
    std::string key;
    std::string running;
    std::string file;
    std::string module;

    static constexpr std::string_view kSchema = "ConfigDifference";
    static void fields(auto&& field) {
        field("key", &ConfigDifference::key, "Of the setting.");
        field("running", &ConfigDifference::running, "What is in force.");
        field("file", &ConfigDifference::file, "What a reload would bring.");
        field(
            "module",
            &ConfigDifference::module,
            "What a reload restarts for it; `mimird` when only a restart of the daemon brings it, "
            "empty when nothing needs to restart."
        );
    }
};

struct ConfigDiff {
    std::string file;
    std::vector<ConfigDifference> differences;

    static constexpr std::string_view kSchema = "ConfigDiff";
    static void fields(auto&& field) {
        field("file", &ConfigDiff::file, "Of -config.file.");
        field("differences", &ConfigDiff::differences, "What differs.");
    }
};

struct LogLevel {
    std::string level;

    static constexpr std::string_view kSchema = "LogLevel";
    static void fields(auto&& field) {
        field("level", &LogLevel::level, "debug, info, warn or error.");
    }
};

/// One instance of a component, as its ring knows it.
struct RingMember {
    std::string id;
    std::string state;
    bool healthy = false;
    std::string address;
    std::string zone;
    bool here = false;
    bool read_only = false;
    std::uint64_t seen_ms_ago = 0;
    std::uint64_t tokens = 0;
    std::uint64_t ownership_permille = 0;

    static constexpr std::string_view kSchema = "RingMember";
    static void fields(auto&& field) {
        field("id", &RingMember::id, "Its name, unique in the ring.");
        field("state", &RingMember::state, "PENDING, JOINING, ACTIVE or LEAVING.");
        field(
            "healthy",
            &RingMember::healthy,
            "Whether its heartbeat was seen lately, by this daemon's clock."
        );
        field("address", &RingMember::address, "Where other processes reach it.");
        field("zone", &RingMember::zone, "Its availability zone; may be empty.");
        field("here", &RingMember::here, "Whether it is this process.");
        field("read_only", &RingMember::read_only, "It is read from, but gets no new series.");
        field("seen_ms_ago", &RingMember::seen_ms_ago, "Age of its last heartbeat that was seen.");
        field("tokens", &RingMember::tokens, "How many tokens it has.");
        field(
            "ownership_permille",
            &RingMember::ownership_permille,
            "Share of the ring that it is first owner of, in thousandths."
        );
    }
};

struct Ring {
    std::string name;
    std::string store;
    std::uint64_t replication_factor = 0;
    std::string problem;
    std::string self;
    std::string self_address;
    std::string self_address_from;
    std::vector<RingMember> members;

    static constexpr std::string_view kSchema = "Ring";
    static void fields(auto&& field) {
        field("name", &Ring::name, "The component whose instances it has.");
        field("store", &Ring::store, "Where it is kept.");
        field(
            "replication_factor",
            &Ring::replication_factor,
            "Copies of each series; 1 in rings that only say who is there."
        );
        field(
            "problem", &Ring::problem, "Why it may be wrong or incomplete; empty when it is well."
        );
        field("self", &Ring::self, "This process' name in it, whether it is a member or not.");
        field("self_address", &Ring::self_address, "Where others reach this process.");
        field("self_address_from", &Ring::self_address_from, "How that address was found.");
        field("members", &Ring::members, "Its members, by name.");
    }
};

struct ForgetRequest {
    std::string member;

    static constexpr std::string_view kSchema = "ForgetRequest";
    static void fields(auto&& field) {
        field("member", &ForgetRequest::member, "Name of the member whose entry is removed.");
    }
};

enum class CheckState : std::uint8_t { ok, warning, failure };
constexpr auto enum_names(CheckState) {
    return std::array<std::string_view, 3>{"ok", "warning", "failure"};
}

struct DoctorCheck {
    std::string name;
    CheckState state = CheckState::ok;
    std::string what;
    std::string fix;

    static constexpr std::string_view kSchema = "DoctorCheck";
    static void fields(auto&& field) {
        field("name", &DoctorCheck::name, "What was looked at.");
        field("state", &DoctorCheck::state, "How it is.");
        field("what", &DoctorCheck::what, "What was seen, with the values.");
        field("fix", &DoctorCheck::fix, "What to do about it; empty when it is well.");
    }
};

/// Why a request was not done; RFC 9457's members first.
struct Problem {
    std::string type;
    std::string title;
    std::uint32_t status = 500;
    std::string code;
    std::string what;
    std::string why;
    std::vector<std::string> next_steps;
    bool retryable = false;
    std::optional<std::string> operation;
    std::string request_id;

    static constexpr std::string_view kSchema = "Problem";
    static void fields(auto&& field) {
        field("type", &Problem::type, "urn:mimird:problem:<code>");
        field("title", &Problem::title, "What the code means.");
        field("status", &Problem::status, "HTTP status.");
        field("code", &Problem::code, "Stable; `mimirctl explain CODE` says more.");
        field("what", &Problem::what, "What was not done.");
        field("why", &Problem::why, "Why, with the values.");
        field("next_steps", &Problem::next_steps, "What to do.");
        field("retryable", &Problem::retryable, "Whether the same request may succeed later.");
        field("operation", &Problem::operation, "An operation that has to do with it.");
        field("request_id", &Problem::request_id, "In the daemon's log.");
    }
};

struct Message {
    std::string message;

    static constexpr std::string_view kSchema = "Message";
    static void fields(auto&& field) { field("message", &Message::message, "For people."); }
};

}  // namespace mimir::api
