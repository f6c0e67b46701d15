#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "ctl/run.hpp"

namespace {

using mimir::CancellationToken;

/// Lives as long as the process: the signal's handler has no other way to it.
CancellationToken& interrupt_token() {
    static CancellationToken token = CancellationToken::create();
    return token;
}

/// The first ctrl-C is ours, the next one ends the program.
CancellationToken catch_interrupt() {
    CancellationToken token = interrupt_token();  // made before the handler can ask for it
    struct sigaction action{};
    action.sa_handler = [](int) { interrupt_token().cancel(); };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGINT, &action, nullptr);
    return token;
}

}  // namespace

int main(int argc, char** argv) {
    std::ios::sync_with_stdio(false);
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const mimir::ctl::Environment environment{
        .variable = [](std::string_view name) -> std::optional<std::string> {
            const char* value = std::getenv(std::string(name).c_str());
            return value == nullptr ? std::nullopt : std::optional<std::string>(value);
        },
        .in_is_terminal = ::isatty(STDIN_FILENO) == 1,
        .out_is_terminal = ::isatty(STDOUT_FILENO) == 1,
        .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
        .uid = ::geteuid(),
        .catch_interrupt = catch_interrupt,
    };
    return mimir::ctl::run(arguments, {std::cin, std::cout, std::cerr}, environment);
}
