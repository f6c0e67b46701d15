#include "components/querier/options.hpp"

namespace mimir::querier {

void declare(config::Declarer& d, Options& o) {
    using config::Category;
    using namespace std::chrono_literals;
    d.option(
        o.max_concurrent,
        {
            .key = "querier.max_concurrent",
            .help = "Queries that are evaluated at once; more wait for their turn.",
            .min = 1,
            .max = 1024,
            .needs_process = true,
        }
    );
    d.option(
        o.timeout,
        {
            .key = "querier.timeout",
            .help = "Longest time that a query may take, waiting included.",
            .min = 1ms,
        }
    );
    d.option(
        o.max_samples,
        {
            .key = "querier.max_samples",
            .help = "Most samples that a query may hold in memory at once.",
            .category = Category::advanced,
            .min = 1,
        }
    );
    d.option(
        o.lookback_delta,
        {
            .key = "querier.lookback_delta",
            .help = "How far back a query looks for the newest sample of a series.",
            .category = Category::advanced,
            .min = 1ms,
        }
    );
    d.option(
        o.default_evaluation_interval,
        {
            .key = "querier.default_evaluation_interval",
            .help = "Step of subqueries that give none.",
            .category = Category::advanced,
            .min = 1ms,
        }
    );
    d.option(
        o.max_query_into_future,
        {
            .key = "querier.max_query_into_future",
            .help = "How far in the future data may be read. 0 for any time.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.minimize_ingester_requests,
        {
            .key = "querier.minimize_ingester_requests",
            .help = "Ask only as many ingesters, or zones, as make a quorum; others when one fails "
                    "or is slow. When false all are asked at once.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.minimize_ingester_requests_hedging_delay,
        {
            .key = "querier.minimize_ingester_requests_hedging_delay",
            .help = "How long the ingesters that were asked may take before one more, or one more "
                    "zone, is asked. 0 to ask more only when one fails.",
            .category = Category::advanced,
        }
    );
    ring::declare(d, o.ring, "querier.ring", "querier.ring", ring::RingKind::membership);
}

void validate(const Options& options, config::Findings& findings) {
    ring::validate(options.ring, "querier.ring", findings);
}

promql::EngineOptions engine_options(const Options& options) {
    return {
        .lookback = options.lookback_delta,
        .default_interval = options.default_evaluation_interval,
        .samples_max = options.max_samples,
    };
}

rpc::GatherOptions gather_options(const Options& options) {
    return {
        .minimize_requests = options.minimize_ingester_requests,
        .hedging_delay = options.minimize_ingester_requests_hedging_delay,
    };
}

}  // namespace mimir::querier
