#include "api/problems.hpp"

#include <algorithm>

namespace mimir::api {
namespace {

using enum ExitCode;

// Sorted by code.
constexpr ProblemKind kKinds[] = {
    {"body-too-large",
     413,
     usage,
     false,
     "The request's body is too large",
     "The admin API takes small JSON bodies; the limit is in the message. Nothing that it can do needs more."
    },
    {"canceled",
     499,
     failed,
     true,
     "The request was given up",
     "The client went away, or the daemon's drain ended, before there was an answer."},
    {"config-invalid",
     422,
     failed,
     false,
     "The configuration file is wrong",
     "Every finding is listed, with line and nearest key. Nothing was touched: the daemon runs on with the settings "
     "that it has.",
     "mend the file and try again; `mimirctl config check FILE` checks without changing anything"},
    {"config-no-file",
     409,
     not_found,
     false,
     "The daemon runs without a configuration file",
     "It was started without -config.file, so there is nothing to compare with or to reload.",
     "start mimird with -config.file=FILE"},
    {"conflict",
     409,
     refused,
     false,
     "The request contradicts what is there",
     "What was asked for cannot be done in the state in which the daemon is."},
    {"corrupt",
     500,
     failed,
     false,
     "Stored data contradict their own format",
     "Something on disk was damaged. The daemon's log says which file and what was done about it."},
    {"forwarded-by-browser",
     403,
     not_permitted,
     false,
     "Requests from web pages are refused",
     "A request with an Origin or a cross-site Sec-Fetch-Site header comes from a page in a browser, which must not be able "
     "to operate a daemon behind its user's back."},
    {"host-unknown",
     421,
     not_permitted,
     false,
     "The request is for another host",
     "The Host header names neither localhost, an address, this machine nor what admin.allowed_hosts lists. A name that "
     "an attacker lets point here (DNS rebinding) is refused that way.",
     "use localhost or the address, or add the name to admin.allowed_hosts"},
    {"idempotency-key-reused",
     422,
     refused,
     false,
     "The Idempotency-Key was used for another request",
     "A key names one request for 24 hours: repeating the same request returns its first result, another request needs "
     "a key of its own.",
     "use a new Idempotency-Key"},
    {"internal",
     500,
     failed,
     false,
     "A mistake in mimird, or a failure of the system below it",
     "This should not happen. The daemon's log has the details under the request's id."},
    {"invalid",
     400,
     usage,
     false,
     "The request is wrong",
     "Repeating it is of no use; the message says what was expected."},
    {"journal-unavailable",
     503,
     refused,
     true,
     "The journal cannot be written",
     "Every change is written to journal and audit log, and synced, before it has an effect. While that fails (disk full, "
     "read-only or missing state folder) changes are refused; reads and the data path go on.",
     "see `mimirctl doctor`; free space or mend the folder of -node.state-dir, then try again"},
    {"limit", 429, refused, true, "A limit was reached", "The message names the limit."},
    {"member-lives",
     409,
     refused,
     false,
     "The member lives",
     "Its heartbeat is fresh: it would come back at once.",
     "stop it first; then it leaves the ring by itself"},
    {"member-unknown",
     404,
     not_found,
     false,
     "There is no such member",
     "The ring has no member of this name.",
     "`mimirctl ring NAME` lists them"},
    {"method-not-allowed",
     405,
     usage,
     false,
     "The path does not take this method",
     "The Allow header lists those that it takes. No GET changes state."},
    {"migration-not-a-node",
     409,
     refused,
     false,
     "This process is not a node's primary",
     "A node is migrated by the process that has its data: the one whose admin socket is admin.sock, with the ingester. "
     "Processes beside it (-node.name) follow.",
     "ask the primary: mimirctl without --socket, or with the socket of the process that runs the ingester"
    },
    {"migration-under-way",
     409,
     refused,
     false,
     "Another migration is under way",
     "A node has one migration at a time; the message names it.",
     "`mimirctl migrate status` shows it; wait for its end, or `mimirctl migrate rollback`"},
    {"module-always-runs",
     409,
     refused,
     false,
     "The module runs in every process",
     "It carries the admin API itself; without it nobody could start anything again.",
     "to end the daemon: mimirctl shutdown"},
    {"module-failed",
     500,
     failed,
     false,
     "A module did not start",
     "What the operation had started was stopped again; everything else runs on untouched.",
     "see the module's error with `mimirctl modules`, and the daemon's log"},
    {"module-needed",
     409,
     refused,
     false,
     "Other modules need it",
     "A running module's dependencies run too, so stopping this one would stop those that are named.",
     "stop those first, or all together with --cascade"},
    {"module-none-named", 422, usage, false, "No module is named", "The list of modules is empty."},
    {"module-unknown",
     404,
     not_found,
     false,
     "There is no such module",
     "The name is not in the module table of this daemon.",
     "`mimirctl modules` lists them"},
    {"not-found", 404, not_found, false, "There is no such thing", "What was named does not exist."
    },
    {"not-permitted",
     403,
     not_permitted,
     false,
     "The caller may not do this",
     "Looking takes the right to open the socket (group mimird); changing takes root, the daemon's own user or a member "
     "of the group that admin.change_group names (mimird-admin). On TCP the token's role decides.",
     "run it with sudo, or as a member of that group"},
    {"operation-ended",
     409,
     refused,
     false,
     "The operation has ended",
     "There is nothing left to cancel."},
    {"operation-interrupted",
     500,
     failed,
     false,
     "The daemon ended while the operation was under way",
     "When the daemon comes back it finishes what had passed its point of no return, and counts the rest as undone: it "
     "runs its target, as if the operation had not been.",
     "ask for it again if it is still wanted"},
    {"operation-unknown",
     404,
     not_found,
     false,
     "There is no such operation",
     "Its id is unknown here, or so old that its record was removed (the newest 1000 are kept).",
     "`mimirctl operations` lists them"},
    {"operations-full",
     429,
     refused,
     true,
     "Too many operations are waiting",
     "Operations run one after the other; so many wait already that another is refused.",
     "wait for some to end"},
    {"path-unknown",
     404,
     not_found,
     false,
     "There is no such path",
     "The admin API is below /admin/v1/; /admin/v1/openapi.json describes it."},
    {"preflight-failed",
     409,
     refused,
     true,
     "The node is not fit to be migrated now",
     "What `mimirctl doctor` calls a failure is mended first: a migration must be able to count on disk, journal and "
     "modules. All findings are in the message.",
     "mend what `mimirctl doctor` finds, then try again"},
    {"request-malformed",
     400,
     usage,
     false,
     "The request cannot be read",
     "Its body is not the JSON that the endpoint takes, or a parameter has no value that it can have."
    },
    {"revision-stale",
     412,
     refused,
     false,
     "Something changed meanwhile",
     "The request was bound to a revision by If-Match, and the daemon is at another one: what it was decided on is no "
     "longer true.",
     "look again (`mimirctl status`, `mimirctl events`) and decide anew"},
    {"ring-unknown",
     404,
     not_found,
     false,
     "There is no such ring",
     "This daemon reads the rings of what its modules call; another process may read others.",
     "`mimirctl ring` lists them"},
    {"shutting-down",
     503,
     refused,
     false,
     "The daemon is shutting down",
     "It takes no changes any more."},
    {"target-unknown",
     422,
     not_found,
     false,
     "There is no such target",
     "A target names components, joined by commas; internal modules cannot be targets.",
     "`mimirctl targets` lists them"},
    {"timeout", 504, timed_out, true, "The deadline passed", "There was no answer in time."},
    {"token-missing",
     401,
     not_permitted,
     false,
     "A bearer token is needed",
     "On TCP every request carries `Authorization: Bearer TOKEN` with a token of admin.token_file.",
     "set MIMIRCTL_TOKEN, or use --token-file"},
    {"unavailable", 503, failed, true, "Not now", "A later try may succeed."},
};
static_assert(std::ranges::is_sorted(kKinds, {}, &ProblemKind::code));

/// For errors without an id of the catalogue.
std::string_view code_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::invalid: return "invalid";
        case ErrorKind::not_found: return "not-found";
        case ErrorKind::conflict: return "conflict";
        case ErrorKind::limit: return "limit";
        case ErrorKind::unavailable: return "unavailable";
        case ErrorKind::timeout: return "timeout";
        case ErrorKind::canceled: return "canceled";
        case ErrorKind::corrupt: return "corrupt";
        case ErrorKind::internal: return "internal";
    }
    return "internal";
}

}  // namespace

std::span<const ProblemKind> problem_kinds() { return kKinds; }

const ProblemKind* find_problem_kind(std::string_view code) {
    const auto* at = std::ranges::lower_bound(kKinds, code, {}, &ProblemKind::code);
    return at != std::end(kKinds) && at->code == code ? at : nullptr;
}

Problem to_problem(const Error& error, std::string what) {
    const ProblemKind* kind = find_problem_kind(error.id);
    if (kind == nullptr) kind = find_problem_kind(code_of(error.kind));
    Problem problem{
        .type = "urn:mimird:problem:" + std::string(kind->code),
        .title = std::string(kind->title),
        .status = kind->status,
        .code = std::string(kind->code),
        .what = std::move(what),
        .why = error.message,
        .retryable = kind->retryable,
    };
    if (!kind->next_step.empty()) problem.next_steps.emplace_back(kind->next_step);
    return problem;
}

}  // namespace mimir::api
