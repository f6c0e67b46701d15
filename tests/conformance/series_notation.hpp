#pragma once

// One line of a test script: a series and its values, as in promtool's unit tests.
//
//     up{job="a"} 1 2+3x2 _ stale {{schema:1 sum:3 count:22 buckets:[5 10 7]}}

#include <memory>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "model/histogram.hpp"
#include "model/labels.hpp"

namespace mimir::conformance {

struct Histogram {
    std::shared_ptr<const model::FloatHistogram> value;
    bool has_reset_hint = false;  ///< Written in the script: only then is it compared.
};

/// No sample, a float, or a histogram.
using Value = std::variant<std::monostate, double, Histogram>;

struct SeriesLine {
    model::Labels labels;
    std::vector<Value> values;
};

/// Errors: invalid, saying what can't be read.
Result<SeriesLine> parse_series(std::string_view line);

/// A whole text that is a number, such as the line of a scalar result.
Result<double> parse_value(std::string_view text);

}  // namespace mimir::conformance
