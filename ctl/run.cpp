#include "ctl/run.hpp"

#include <ostream>

#include "ctl/command_line.hpp"
#include "ctl/command_table.hpp"
#include "ctl/context.hpp"
#include "ctl/help.hpp"

namespace mimir::ctl {
namespace {

ExitCode unwritable(Streams streams) {
    print_failure(streams.err, {.why = "the output cannot be written"}, false);
    return ExitCode::failed;
}

/// What there is to say without a command that runs. Usage errors when none was named, or a group alone.
ExitCode print_help(const Invocation& invocation, Streams streams) {
    const bool is_asked_for = invocation.has("--help");
    std::ostream& out = is_asked_for ? streams.out : streams.err;
    out << (invocation.command == nullptr ? program_help() : command_help(*invocation.command));
    if (is_asked_for && !out.flush()) return unwritable(streams);
    return is_asked_for ? ExitCode::done : ExitCode::usage;
}

ExitCode run_command(
    const Invocation& invocation, Streams streams, const Environment& environment
) {
    Context context(invocation, streams, environment);
    auto outcome = invocation.command->run(context);
    streams.out.flush();
    if (!outcome) {
        print_failure(
            streams.err, outcome.error(), context.colours_on(environment.err_is_terminal)
        );
        return outcome.error().exit_code;
    }
    if (streams.out.bad()) return unwritable(streams);
    return *outcome;
}

}  // namespace

int run(std::span<const std::string> arguments, Streams streams, const Environment& environment) {
    auto invocation = parse_command_line(arguments);
    if (!invocation) {
        print_failure(streams.err, invocation.error(), false);
        return static_cast<int>(invocation.error().exit_code);
    }
    if (invocation->has("--version") && invocation->command == nullptr) {
        invocation->command = find_command("version");
    }
    const bool runs = invocation->command != nullptr && invocation->command->run != nullptr;
    if (!runs || invocation->has("--help"))
        return static_cast<int>(print_help(*invocation, streams));
    return static_cast<int>(run_command(*invocation, streams, environment));
}

}  // namespace mimir::ctl
