#include "components/query_frontend/query_cost.hpp"

#include <fmt/format.h>

namespace mimir::query_frontend {
namespace {

double milliseconds(std::chrono::nanoseconds time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

double seconds(std::chrono::nanoseconds time) {
    return std::chrono::duration<double>(time).count();
}

}  // namespace

std::string server_timing(const QueryCost& cost) {
    const promql::QueryStatistics& statistics = cost.statistics;
    return fmt::format(
        "querier_wall_time;dur={:.3f}, response_time;dur={:.3f}, bytes_processed;val={}, "
        "samples_processed;val={}, fetched_series_count;val={}, fetched_chunks_count;val={}, "
        "split_queries;val={}",
        milliseconds(statistics.wall_time),
        milliseconds(cost.response_time),
        statistics.chunk_bytes,
        statistics.samples,
        statistics.series,
        statistics.chunks,
        cost.parts
    );
}

bool is_slow(const QueryCost& cost, std::chrono::milliseconds threshold) {
    if (threshold.count() == 0) return false;
    return threshold.count() < 0 || cost.response_time > threshold;
}

void log_slow_query(
    const telemetry::Logger& log,
    const http::Request& request,
    const http::Response& response,
    const QueryCost& cost
) {
    const auto form = request.form();
    const auto parameter = [&](std::string_view name) {
        return form ? form->get_or(name, "") : std::string_view();
    };
    const promql::QueryStatistics& statistics = cost.statistics;
    log.info(
        "slow query detected",
        {{"user", *request.context.tenant},
         {"trace_id", request.context.trace_id},
         {"method", http::to_string(request.method)},
         {"path", request.path},
         {"user_agent", request.headers.get("User-Agent").value_or("")},
         {"status_code", response.status},
         {"status", cost.error ? "failed" : "success"},
         {"err", cost.error ? std::string_view(cost.error->message) : std::string_view()},
         {"time_taken", cost.response_time},
         {"response_size_bytes", response.body.size()},
         {"param_query", parameter("query")},
         {"param_time", parameter("time")},
         {"param_start", parameter("start")},
         {"param_end", parameter("end")},
         {"param_step", parameter("step")},
         {"query_wall_time_seconds", seconds(statistics.wall_time)},
         {"fetched_series_count", statistics.series},
         {"fetched_chunks_count", statistics.chunks},
         {"fetched_chunk_bytes", statistics.chunk_bytes},
         {"samples_processed", statistics.samples},
         {"split_queries", cost.parts}}
    );
}

}  // namespace mimir::query_frontend
