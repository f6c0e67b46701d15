#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "conformance/script.hpp"

namespace mimir::conformance {

enum class Verdict {
    passed,
    not_built,  ///< The engine said honestly that it can't do this yet.
    wrong,      ///< Another value, annotation or error than expected.
};

/// How one eval of a script went.
struct Outcome {
    std::size_t line = 0;
    std::string query;
    Verdict verdict = Verdict::passed;
    /// not_built: the feature ("info()"); wrong: what came instead.
    std::string detail;
};

/// Runs a script against a new engine, with everything of the language on, over storage in memory. An instant query is
/// also evaluated as the middle of a range query, and must give the same there.
/// Errors: invalid, when the script can't be read or loaded.
Result<std::vector<Outcome>> run_script(std::string_view script);

}  // namespace mimir::conformance
