#include <fmt/ranges.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <istream>
#include <ostream>
#include <thread>

#include "api/endpoints.hpp"
#include "base/nearest.hpp"
#include "ctl/change.hpp"
#include "ctl/commands/commands.hpp"
#include "ctl/context.hpp"
#include "ctl/reachability.hpp"
#include "ctl/wait.hpp"

namespace mimir::ctl {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};

Outcome<ExitCode> show_level(Context& context, const std::string& json) {
    MIMIR_TRY(const auto level, context.decode<api::LogLevel>(json));
    if (!is_for_people(context.format())) {
        MIMIR_TRY(context.show_structured(json, "level"));
        return ExitCode::done;
    }
    context.out() << sanitized(level.level) << '\n';
    return ExitCode::done;
}

/// True when the user agrees, or is not asked: --yes, or no terminal.
bool is_confirmed(Context& context, const api::Status& status) {
    const bool is_asked = context.environment().in_is_terminal &&
                          context.environment().err_is_terminal &&
                          !context.invocation().has("--yes");
    if (!is_asked) return true;
    context.err()
        << sanitized(fmt::format(
               "This ends mimird (pid {}, target {}). Only its service manager or a person starts it again.",
               status.pid,
               status.target
           ))
        << "\nType yes to go on: " << std::flush;
    std::string answer;
    std::getline(context.in(), answer);
    return answer == "yes" || answer == "y";
}

/// True when the process has ended, though its parent may not have noticed.
bool has_ended(std::int64_t pid) {
    if (pid <= 0) return true;  // it has not said
    if (::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH) return true;
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string text;
    std::getline(file, text);
    const std::size_t state = text.rfind(") ");  // behind the name, which may hold anything
    return state != std::string::npos && text.find_first_of("ZX", state) == state + 2;
}

/// Asks until nobody listens and the process is gone, or another process answers. A daemon that is only slow goes on.
WaitEnd wait_for_end(Connection& connection, std::int64_t pid, const CancellationToken& token) {
    const http::Endpoint& endpoint = connection.daemon().endpoint;
    const bool is_here = !endpoint.unix_path.empty();
    while (token.check()) {
        if (nobody_listens(endpoint) && (!is_here || has_ended(pid))) return WaitEnd::ended;
        const Call call{.endpoint = api::kGetStatus, .patience = 1000ms, .token = token};
        const auto json = connection.send(call);
        const auto status = api::from_json<api::Status>(json.value_or(""), api::Unknown::ignore);
        if (status && status->pid != pid) return WaitEnd::ended;
        std::this_thread::sleep_for(50ms);
    }
    return token.canceled() ? WaitEnd::detached : WaitEnd::timed_out;
}

}  // namespace

Outcome<ExitCode> run_log_level(Context& context) {
    const auto& arguments = context.invocation().arguments;
    if (arguments.empty()) {
        MIMIR_TRY(const std::string json, context.send({.endpoint = api::kGetLogLevel}));
        return show_level(context, json);
    }
    const std::string& level = arguments.front();
    if (std::ranges::find(kLevels, level) == std::end(kLevels)) {
        return usage(fmt::format(
            "the level is {}, not \"{}\"{}",
            fmt::join(kLevels, ", "),
            level,
            did_you_mean(level, kLevels)
        ));
    }
    MIMIR_TRY(
        const std::string json,
        context.send({
            .endpoint = api::kSetLogLevel,
            .body = api::to_json(api::LogLevel{level}),
            .idempotency_key = new_idempotency_key(),
        })
    );
    return show_level(context, json);
}

Outcome<ExitCode> run_shutdown(Context& context) {
    MIMIR_TRY(const auto timeout, timeout_of(context.invocation()));
    MIMIR_TRY(Connection * connection, context.connection());
    MIMIR_TRY(const std::string status_json, connection->send({.endpoint = api::kGetStatus}));
    MIMIR_TRY(const auto status, context.decode<api::Status>(status_json));
    if (!is_confirmed(context, status)) {
        context.say("nothing was done");
        return ExitCode::refused;
    }
    const auto deadline = Clock::now() + timeout;
    MIMIR_TRY(
        const std::string json,
        connection->send({
            .endpoint = api::kShutdown,
            .idempotency_key = new_idempotency_key(),
            .patience = patience_of(context.invocation(), timeout),
            .token = context.catch_interrupt(),
        })
    );
    if (!is_for_people(context.format())) MIMIR_TRY(context.show_structured(json, "message"));
    MIMIR_TRY(const auto message, context.decode<api::Message>(json));
    context.say(message.message);
    if (context.invocation().has("--no-wait")) return ExitCode::done;

    const auto token = context.catch_interrupt().with_deadline(deadline);
    switch (wait_for_end(*connection, status.pid, token)) {
        case WaitEnd::ended:
            context.say(fmt::format("mimird (pid {}) has ended", status.pid));
            return ExitCode::done;
        case WaitEnd::detached:
            context.say("not waiting any longer; mimird goes on draining");
            return ExitCode::detached;
        case WaitEnd::paused:  // a daemon is not
        case WaitEnd::timed_out: break;
    }
    context.say(fmt::format("mimird has not ended after {}; it goes on draining", seconds(timeout))
    );
    return ExitCode::timed_out;
}

}  // namespace mimir::ctl
