#include "ctl/completion.hpp"

#include <fmt/ranges.h>

#include <ostream>

#include "base/nearest.hpp"
#include "ctl/commands/commands.hpp"
#include "ctl/context.hpp"

namespace mimir::ctl {

Outcome<ExitCode> run_completion(Context& context) {
    const std::string& shell = context.invocation().arguments.front();
    const std::string_view script = completion_script(shell);
    if (script.empty()) {
        return usage(fmt::format(
            "the shell is {}, not \"{}\"{}",
            fmt::join(shells(), ", "),
            shell,
            did_you_mean(shell, shells())
        ));
    }
    context.out() << script;
    return ExitCode::done;
}

Outcome<ExitCode> run_complete(Context& context) {
    for (const Candidate& candidate :
         complete(context.invocation().arguments, context.environment())) {
        context.out() << candidate.text;
        if (!candidate.help.empty()) context.out() << '\t' << candidate.help;
        context.out() << '\n';
    }
    return ExitCode::done;
}

}  // namespace mimir::ctl
