#pragma once

// What a query cost: in a header of its answer, and in the log when it was slow.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "http/message.hpp"
#include "promql/engine.hpp"
#include "telemetry/log.hpp"

namespace mimir::query_frontend {

struct QueryCost {
    promql::QueryStatistics statistics;  ///< Of all parts.
    std::size_t parts = 1;
    /// From the request to its answer.
    std::chrono::nanoseconds response_time{0};
    std::optional<Error> error;
};

/// The value of a Server-Timing header: names and units are those of Mimir.
std::string server_timing(const QueryCost& cost);

/// Whether the query took longer than the threshold. 0: none is slow; less: all are.
bool is_slow(const QueryCost& cost, std::chrono::milliseconds threshold);
/// One line: who asked what, how it was answered, and what it cost.
void log_slow_query(
    const telemetry::Logger& log,
    const http::Request& request,
    const http::Response& response,
    const QueryCost& cost
);

}  // namespace mimir::query_frontend
