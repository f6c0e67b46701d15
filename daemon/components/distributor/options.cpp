#include "components/distributor/options.hpp"

namespace mimir::distributor {

using config::Category;
using namespace std::chrono_literals;

namespace {

void declare_cluster(config::Declarer& d, Options& o) {
    d.option(
        o.ha_tracker_enabled,
        {
            .key = "distributor.ha_tracker.enable_ha_tracker",
            .flag = "distributor.ha-tracker.enable",
            .help =
                "Keep track of Prometheus servers that scrape the same, so that the samples of one "
                "of them are taken; see limits.accept_ha_samples.",
        }
    );
    kv::declare_own(d, o.ha_tracker_store, "distributor.ha_tracker", "distributor.ha-tracker");
    ring::declare(d, o.ring, "distributor.ring", "distributor.ring", ring::RingKind::membership);
}

}  // namespace

void declare(config::Declarer& d, Options& o) {
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
    declare_cluster(d, o);
}

void validate(const Options& options, const kv::Options& common_store, config::Findings& findings) {
    kv::validate(common_store, options.ha_tracker_store, "distributor.ha_tracker", findings);
    ring::validate(options.ring, "distributor.ring", findings);
}

}  // namespace mimir::distributor
