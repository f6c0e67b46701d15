#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"

namespace mimir::wave {

struct Point {
    TimestampMs time;
    double value = 0;
};

/// A series of an answer of Prometheus' query API. Of an instant query it has one point.
struct AnswerSeries {
    /// Its label series_id; empty when it has none.
    std::string id;
    std::vector<Point> points;
};
using Answer = std::vector<AnswerSeries>;

/// Errors: corrupt, when it is no vector or matrix of numbers.
Result<Answer> read_answer(std::string_view json);

/// The text of {"status":"error","error":...}; else the beginning of what it is.
std::string refusal_in(std::string_view body);

}  // namespace mimir::wave
