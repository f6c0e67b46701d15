#pragma once

// Every code that a problem can have: stable for ever, explained offline by `mimirctl explain CODE`.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "api/types.hpp"
#include "base/error.hpp"

namespace mimir::api {

/// Exit codes of mimirctl; scripts rely on them.
enum class ExitCode : std::uint8_t {
    done = 0,
    failed = 1,
    usage = 2,
    not_found = 3,  ///< or not running
    not_permitted = 4,
    refused = 5,    ///< unsafe, stale or in conflict
    timed_out = 6,  ///< waiting did; the operation goes on
    unreachable = 7,
    degraded = 8,  ///< done, but with warnings
    plan_has_changes = 10,
    detached = 130,
};

/// All text is static.
struct ProblemKind {
    std::string_view code;
    std::uint32_t status = 500;
    ExitCode exit_code = ExitCode::failed;
    bool retryable = false;
    /// In a few words.
    std::string_view title;
    /// A paragraph for `mimirctl explain`: when it happens, and why it is so.
    std::string_view explanation;
    /// What to do; may be empty.
    std::string_view next_step = {};
};

/// By code.
std::span<const ProblemKind> problem_kinds();
/// Null when there is no such code.
const ProblemKind* find_problem_kind(std::string_view code);

/// The problem for an error: by its id when that is a code, else by its kind. `what` is what was not done.
Problem to_problem(const Error& error, std::string what);

}  // namespace mimir::api
