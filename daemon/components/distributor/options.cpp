#include "components/distributor/options.hpp"

namespace mimir::distributor {

void declare(config::Declarer& d, Options& o) {
    using config::Category;
    using namespace std::chrono_literals;
    d.option(
        o.max_recv_msg_size,
        {
            .key = "distributor.max_recv_msg_size",
            .help = "Largest push request, compressed and not.",
            .category = Category::advanced,
            .unit = config::Unit::bytes,
            .min = 1024,
        }
    );
    d.option(
        o.max_inflight_push_requests,
        {
            .key = "distributor.instance_limits.max_inflight_push_requests",
            .help =
                "Most push requests under way at once; more are refused, to be sent again. 0 for "
                "no limit.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.max_inflight_push_requests_bytes,
        {
            .key = "distributor.instance_limits.max_inflight_push_requests_bytes",
            .help = "Most bytes of push requests under way at once, compressed and not; more are "
                    "refused, to be sent again. 0 for no limit.",
            .category = Category::advanced,
            .unit = config::Unit::bytes,
        }
    );
    d.option(
        o.max_ingestion_rate,
        {
            .key = "distributor.instance_limits.max_ingestion_rate",
            .help =
                "Most samples, histograms, exemplars and metadata that this distributor takes in a "
                "second, on average; requests over it are refused, to be sent again. 0 for no "
                "limit.",
            .category = Category::advanced,
            .min = 0.0,
        }
    );
    d.option(
        o.remote_timeout,
        {
            .key = "distributor.remote_timeout",
            .help = "Time-out of a push to one ingester.",
            .category = Category::advanced,
            .min = 10ms,
        }
    );
    d.option(
        o.validated_series_max,
        {
            .key = "distributor.validated_series_cache_size",
            .help =
                "Series of each tenant that are remembered as valid, so that their labels are not "
                "checked again with every sample. Each takes 16 to 32 bytes.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.retry_after_enabled,
        {
            .key = "distributor.retry_after_header.enabled",
            .help = "Tell senders of refused requests when to try again.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.retry_after_min_backoff,
        {
            .key = "distributor.retry_after_header.min_backoff",
            .help = "Shortest time in the Retry-After header.",
            .category = Category::advanced,
            .min = 1000ms,
        }
    );
    d.option(
        o.retry_after_max_backoff,
        {
            .key = "distributor.retry_after_header.max_backoff",
            .help = "Longest time in the Retry-After header.",
            .category = Category::advanced,
            .min = 1000ms,
        }
    );
}

}  // namespace mimir::distributor
