#pragma once

// Spans of time in a query: usually a literal, at times a formula over literals and the query's own
// step and range.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "promql/position.hpp"

namespace mimir::promql {

/// "1h30m", "5m", "1s500ms": Prometheus' short form, largest unit first; "0s" for nothing.
std::string format_duration(std::chrono::milliseconds duration);

/// Reads "1h30m": units y w d h m s ms, each at most once, in this order.
/// Errors: invalid, with Prometheus' wording.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// What of the query a formula may ask for. An instant query has a range and a step of zero.
struct QueryWindow {
    std::chrono::milliseconds step{0};
    std::chrono::milliseconds range{0};  ///< end - start
};

/// A formula in place of a duration, such as [2 * step() + 1m]. Immutable.
struct DurationFormula {
    // clang-format off
    enum class Kind : std::uint8_t {
        number,
        plus, minus,                                 // of `left`
        add, sub, mul, div, mod, pow, min_of, max_of, // of `left` and `right`
        step, range,                                 // of the query
    };
    // clang-format on
    using Ptr = std::shared_ptr<const DurationFormula>;

    Kind kind = Kind::number;
    double seconds = 0;        ///< Of a number.
    bool is_duration = false;  ///< A number written as 5m rather than as 300.
    bool in_parentheses = false;
    Ptr left;
    Ptr right;
    Span span;
};

/// A span of time as the query has it. `value` counts; `formula`, when there is one, is how it was
/// written.
struct Duration {
    std::chrono::milliseconds value{0};
    DurationFormula::Ptr formula = nullptr;
    /// The formula uses step() or range(): `value` is not known before resolve_durations().
    bool depends_on_query = false;

    // NOLINTNEXTLINE(google-explicit-constructor): this is what it is
    operator std::chrono::milliseconds() const { return value; }
};

}  // namespace mimir::promql
