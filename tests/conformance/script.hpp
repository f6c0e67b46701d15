#pragma once

// Test scripts of PromQL in upstream's notation: load data, evaluate, compare. A script is parsed whole, then run.
//
//     load 5m
//       up{job="a"} 1 1 0
//
//     eval range from 0 to 10m step 5m sum(up)
//       expect no_warn
//       {} 1 1 0
//
// Source: documentation of Prometheus' promqltest.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "conformance/series_notation.hpp"

namespace re2 {
class RE2;
}

namespace mimir::conformance {

/// What an annotation or error has to be: exactly a text, a match of an expression, or (neither) anything.
struct Expectation {
    std::optional<std::string> text;
    std::shared_ptr<const re2::RE2> regex;

    [[nodiscard]] bool matches(std::string_view message) const;
};

struct Load {
    std::chrono::milliseconds interval{0};
    bool with_nhcb =
        false;  ///< Also the native form, with custom buckets, of each classic histogram.
    std::vector<SeriesLine> series;
};

struct Clear {};

struct Eval {
    std::size_t line = 0;  ///< Of the script, from 1.
    std::string query;
    TimestampMs start;
    TimestampMs end;
    std::chrono::milliseconds step{0};
    bool is_range = false;

    std::optional<Expectation> failure;
    bool ordered = false;
    /// Each must be met, and each annotation must meet one; none of them: annotations are not looked at.
    std::vector<Expectation> warnings;
    std::vector<Expectation> infos;
    bool no_warnings = false;
    bool no_infos = false;

    std::vector<SeriesLine> series;
    std::optional<double> scalar;
    std::optional<std::string> string;
    /// An instant query whose result is a matrix: its points lie at from, from + step, ... to.
    struct RangeVector {
        TimestampMs from;
        TimestampMs to;
        std::chrono::milliseconds step{0};
    };
    std::optional<RangeVector> range_vector;
};

using Command = std::variant<Load, Clear, Eval>;

/// Errors: invalid, with the number of the line.
Result<std::vector<Command>> parse_script(std::string_view text);

}  // namespace mimir::conformance
