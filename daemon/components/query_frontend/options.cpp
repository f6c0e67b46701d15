#include "components/query_frontend/options.hpp"

namespace mimir::query_frontend {

using config::Category;

namespace {

/// As good as any, and still a duration in nanoseconds.
constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24 * 365 * 100);

}  // namespace

void declare(config::Declarer& d, Options& o) {
    d.option(
        o.prometheus_http_prefix,
        {
            .key = "api.prometheus_http_prefix",
            .flag = "http.prometheus-http-prefix",
            .help = "Path under which Prometheus' HTTP API is served.",
            .category = Category::advanced,
            .needs_process = true,
        }
    );
    d.option(
        o.split_queries_by_interval,
        {
            .key = "frontend.split_queries_by_interval",
            .flag = "query-frontend.split-queries-by-interval",
            .help = "Range queries are cut at multiples of this interval, in UTC, into parts that "
                    "are evaluated at the same time. 0 to leave them whole.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.max_retries,
        {
            .key = "frontend.max_retries",
            .flag = "query-frontend.max-retries-per-request",
            .help = "How often a part of a query that a querier failed to answer is tried again.",
            .category = Category::advanced,
            .max = 100,
        }
    );
    d.option(
        o.log_queries_longer_than,
        {
            .key = "frontend.log_queries_longer_than",
            .flag = "query-frontend.log-queries-longer-than",
            .help = "Queries that take longer are logged. 0 to log none, less than 0 to log all.",
            .min = -kLongest,
            .max = kLongest,
        }
    );
    d.option(
        o.query_stats_enabled,
        {
            .key = "frontend.query_stats_enabled",
            .flag = "query-frontend.query-stats-enabled",
            .help = "Say in the Server-Timing header of answers to queries what they cost.",
            .category = Category::advanced,
        }
    );
    ring::declare(d, o.ring, "frontend.ring", "query-frontend.ring", ring::RingKind::membership);
}

void validate(const Options& options, config::Findings& findings) {
    ring::validate(options.ring, "frontend.ring", findings);
}

}  // namespace mimir::query_frontend
