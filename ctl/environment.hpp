#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

#include "base/cancellation.hpp"
#include "base/clock.hpp"

namespace mimir::ctl {

struct Streams {
    std::istream& in;
    /// Data.
    std::ostream& out;
    /// Talk: errors, progress, questions.
    std::ostream& err;
};

/// What a command knows of the process that it runs in.
struct Environment {
    /// A variable's value; nothing when it is not set.
    std::function<std::optional<std::string>(std::string_view)> variable;
    bool in_is_terminal = false;
    bool out_is_terminal = false;
    bool err_is_terminal = false;
    /// Effective.
    std::uint32_t uid = 0;
    /// Where a daemon of the system listens.
    std::string system_socket = "/run/mimird/admin.sock";
    Clock* clock = &system_clock();
    /// From the call on, ctrl-C cancels the token instead of ending the program.
    std::function<CancellationToken()> catch_interrupt;

    /// Empty when not set.
    [[nodiscard]] std::string variable_or_empty(std::string_view name) const {
        return variable(name).value_or(std::string());
    }
};

}  // namespace mimir::ctl
