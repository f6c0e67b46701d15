#include <fmt/ranges.h>

#include <algorithm>
#include <istream>
#include <ostream>
#include <thread>

#include "api/endpoints.hpp"
#include "base/nearest.hpp"
#include "ctl/change.hpp"
#include "ctl/commands/commands.hpp"
#include "ctl/context.hpp"
#include "ctl/wait.hpp"

namespace mimir::ctl {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};

Outcome<ExitCode> show_level(Context& context, const std::string& json) {
    if (!is_for_people(context.format())) {
        MIMIR_TRY(context.show_structured(json, "level"));
        return ExitCode::done;
    }
    MIMIR_TRY(const auto level, context.decode<api::LogLevel>(json));
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

/// Asks until nobody answers, or another process does.
WaitEnd wait_for_end(Connection& connection, std::int64_t pid, const CancellationToken& token) {
    while (token.check()) {
        const Call call{.endpoint = api::kGetStatus, .patience = 1000ms};
        const auto json = connection.send(call);
        if (!json && json.error().exit_code == ExitCode::unreachable) return WaitEnd::ended;
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
    MIMIR_TRY(
        const std::string json,
        connection->send({.endpoint = api::kShutdown, .idempotency_key = new_idempotency_key()})
    );
    if (!is_for_people(context.format())) MIMIR_TRY(context.show_structured(json, "message"));
    MIMIR_TRY(const auto message, context.decode<api::Message>(json));
    context.say(message.message);
    if (context.invocation().has("--no-wait")) return ExitCode::done;

    const auto& catch_interrupt = context.environment().catch_interrupt;
    const auto token = (catch_interrupt ? catch_interrupt() : CancellationToken::create())
                           .with_deadline(Clock::now() + timeout);
    switch (wait_for_end(*connection, status.pid, token)) {
        case WaitEnd::ended:
            context.say(fmt::format("mimird (pid {}) has ended", status.pid));
            return ExitCode::done;
        case WaitEnd::detached:
            context.say("not waiting any longer; mimird goes on draining");
            return ExitCode::detached;
        case WaitEnd::timed_out: break;
    }
    context.say(fmt::format("mimird has not ended after {}; it goes on draining", seconds(timeout))
    );
    return ExitCode::timed_out;
}

}  // namespace mimir::ctl
