#pragma once

// Answers of Prometheus' query API.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "ctl/output/table.hpp"

namespace mimir::ctl {

struct QueryResult {
    /// A row for each value.
    Table table;
    /// JSON: what data.result is, with a list around it when it is a single value.
    std::string result;
    std::vector<std::string> series;
    std::vector<std::string> warnings;
};

/// Errors: corrupt, when it is no such answer.
Result<QueryResult> read_query_result(std::string_view json);

/// The text of {"status":"error","error":...}; empty when it is something else.
std::string error_text_of(std::string_view json);

}  // namespace mimir::ctl
