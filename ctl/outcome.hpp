#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "api/problems.hpp"
#include "base/result.hpp"

namespace mimir::ctl {

using api::ExitCode;

/// Why a command was not done, as it is said to the user. Texts may come from the daemon and are made harmless when
/// they are printed.
struct Failure {
    ExitCode exit_code = ExitCode::failed;
    /// What was not done; may be empty.
    std::string what = {};
    std::string why = {};
    std::vector<std::string> next_steps = {};
    /// Of the catalogue in api/problems.hpp; may be empty.
    std::string code = {};
    /// In the daemon's log; may be empty.
    std::string request_id = {};
};

template <class T = void>
using Outcome = tl::expected<T, Failure>;

/// A mistake in the command line or in what was given to the command.
[[nodiscard]] inline tl::unexpected<Failure> usage(std::string why, std::string next_step = {}) {
    Failure failure{.exit_code = ExitCode::usage, .why = std::move(why)};
    if (!next_step.empty()) failure.next_steps.push_back(std::move(next_step));
    return tl::unexpected(std::move(failure));
}

/// A Result of the libraries below as an Outcome.
template <class T>
[[nodiscard]] Outcome<T> or_exit(Result<T> result, ExitCode exit_code, std::string what = {}) {
    if (result) {
        if constexpr (std::is_void_v<T>) {
            return {};
        } else {
            return *std::move(result);
        }
    }
    return tl::unexpected(Failure{
        .exit_code = exit_code, .what = std::move(what), .why = std::move(result.error().message)
    });
}

}  // namespace mimir::ctl
