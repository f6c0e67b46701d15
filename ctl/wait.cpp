#include "ctl/wait.hpp"

#include <algorithm>
#include <ostream>
#include <thread>

#include "api/endpoints.hpp"
#include "base/units.hpp"
#include "ctl/progress.hpp"

namespace mimir::ctl {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using StreamEnd = Connection::StreamEnd;

constexpr auto kPauseMin = 50ms;
constexpr auto kPauseMax = 1000ms;

/// Reads watch streams, one after another, until the operation has ended.
class Waiter {
  public:
    Waiter(Context& context, Connection& connection, Watched& watched)
        : context_(context),
          connection_(connection),
          watched_(watched),
          progress_(context.err(), context.environment().err_is_terminal) {}

    Outcome<WaitEnd> wait(Clock::time_point deadline) {
        const auto token = context_.catch_interrupt().with_deadline(deadline);
        progress_.show(watched_.operation);
        while (!api::has_ended(watched_.operation.state)) {
            if (is_paused()) return WaitEnd::paused;
            if (token.canceled()) return WaitEnd::detached;
            if (!token.check()) return when_timed_out();
            MIMIR_TRY(read_one_stream(token));
        }
        return WaitEnd::ended;
    }

  private:
    Outcome<void> read_one_stream(const CancellationToken& token) {
        const std::uint64_t version = watched_.operation.version;
        const Call call{
            .endpoint = api::kWatchOperation,
            .subject = watched_.operation.id,
            .query = after(version)
        };
        const auto on_line = [this](std::string_view line) { return take(line); };
        const auto end = connection_.stream(call, on_line, token);
        if (!misunderstood_.empty())
            return tl::unexpected(connection_.not_understood(misunderstood_));
        // A daemon that is coming back may refuse for a moment.
        if (!end && end.error().exit_code != ExitCode::unreachable)
            return tl::unexpected(end.error());
        if (watched_.operation.version != version) pause_ = kPauseMin;
        const bool is_over = api::has_ended(watched_.operation.state) || is_paused();
        if (is_over || (end && *end == StreamEnd::canceled)) return {};
        const bool broke = !end || *end == StreamEnd::broke;
        if (broke && !is_away_) {
            progress_.close_line();
            context_.say("the connection to mimird broke; waiting for it to come back");
        }
        is_away_ = broke;
        pause(token);
        return {};
    }

    /// False when there is nothing more to read.
    bool take(std::string_view line) {
        auto operation = api::from_json<api::Operation>(line, api::Unknown::ignore);
        if (!operation) {
            misunderstood_ = operation.error().message;
            return false;
        }
        if (is_away_) context_.say("mimird is back");
        is_away_ = false;
        watched_ = {*std::move(operation), std::string(line)};
        progress_.show(watched_.operation);
        return !api::has_ended(watched_.operation.state) && !is_paused();
    }

    [[nodiscard]] bool is_paused() const {
        return watched_.operation.state == api::OperationState::paused;
    }

    Outcome<WaitEnd> when_timed_out() {
        if (!is_away_) return WaitEnd::timed_out;
        return tl::unexpected(Failure{
            .exit_code = ExitCode::unreachable,
            .what = "mimird did not come back",
            .why = fmt::format("what became of {} is not known", watched_.operation.id),
            .next_steps = {fmt::format(
                "when it is back: `mimirctl operations watch {}`", watched_.operation.id
            )},
        });
    }

    void pause(const CancellationToken& token) {
        const auto until = Clock::now() + pause_;
        while (token.check() && Clock::now() < until) std::this_thread::sleep_for(10ms);
        pause_ = std::min<std::chrono::milliseconds>(2 * pause_, kPauseMax);
    }

    static http::Parameters after(std::uint64_t version) {
        http::Parameters parameters;
        parameters.add("after", std::to_string(version));
        return parameters;
    }

    Context& context_;
    Connection& connection_;
    Watched& watched_;
    Progress progress_;
    std::string misunderstood_;
    bool is_away_ = false;
    std::chrono::milliseconds pause_ = kPauseMin;
};

void say_warnings(Context& context, const api::Operation& operation) {
    if (!operation.note.empty()) context.say("note: " + operation.note);
    for (const std::string& warning : operation.warnings) context.say("warning: " + warning);
}

Failure failed(const api::Operation& operation) {
    const api::ProblemKind* kind = api::find_problem_kind(operation.code);
    Failure failure{
        .exit_code = kind != nullptr && kind->exit_code != ExitCode::done ? kind->exit_code
                                                                          : ExitCode::failed,
        .what = fmt::format("{} failed ({})", operation.summary, operation.id),
        .why = operation.error,
        .code = operation.code,
    };
    if (kind != nullptr && !kind->next_step.empty())
        failure.next_steps.emplace_back(kind->next_step);
    return failure;
}

std::string duration_of(const api::Operation& operation) {
    if (!operation.ended) return operation.id;
    return fmt::format(
        "{}, {}",
        operation.id,
        seconds(*operation.ended - operation.started.value_or(operation.created))
    );
}

}  // namespace

Outcome<std::chrono::milliseconds> timeout_of(const Invocation& invocation) {
    const std::string_view text = invocation.value("--timeout").value_or("5m");
    const auto time = parse_duration(text);
    if (!time || time->count() < 0) {
        return usage(fmt::format("--timeout takes a time such as 30s or 5m, not \"{}\"", text));
    }
    return std::chrono::ceil<std::chrono::milliseconds>(*time);
}

std::chrono::milliseconds patience_of(
    const Invocation& invocation, std::chrono::milliseconds timeout
) {
    if (invocation.has("--no-wait")) timeout = std::min<std::chrono::milliseconds>(timeout, 10s);
    return std::max<std::chrono::milliseconds>(timeout, 1s);
}

Outcome<WaitEnd> wait_for(Context& context, Watched& watched, Clock::time_point deadline) {
    MIMIR_TRY(Connection * connection, context.connection());
    return Waiter(context, *connection, watched).wait(deadline);
}

Outcome<ExitCode> say_end(
    Context& context, const Watched& watched, WaitEnd end, std::chrono::milliseconds timeout
) {
    const api::Operation& operation = watched.operation;
    if (end == WaitEnd::paused) {
        context.say(fmt::format(
            "{}: paused ({}); `mimirctl migrate resume` lets it go on, `mimirctl migrate rollback` undoes it",
            operation.summary,
            operation.id
        ));
        return context.invocation().has("--hold") ? ExitCode::done : ExitCode::timed_out;
    }
    if (end != WaitEnd::ended) {
        const std::string why = end == WaitEnd::detached ? std::string("not waiting any longer")
                                                         : "not done after " + seconds(timeout);
        context.say(fmt::format(
            "{}: {} ({}) goes on; `mimirctl operations watch {}` waits again",
            why,
            operation.summary,
            operation.id,
            operation.id
        ));
        return end == WaitEnd::detached ? ExitCode::detached : ExitCode::timed_out;
    }
    if (operation.state == api::OperationState::failed) return tl::unexpected(failed(operation));
    say_warnings(context, operation);
    const bool is_done = operation.state == api::OperationState::done;
    context.say(fmt::format(
        "{}: {} ({})",
        operation.summary,
        is_done ? "done" : "canceled, and undone",
        duration_of(operation)
    ));
    if (!is_done) return ExitCode::failed;
    return operation.warnings.empty() ? ExitCode::done : ExitCode::degraded;
}

}  // namespace mimir::ctl
