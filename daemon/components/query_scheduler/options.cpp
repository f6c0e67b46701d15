#include "components/query_scheduler/options.hpp"

namespace mimir::query_scheduler {

void declare(config::Declarer& d, Options& o) {
    d.option(
        o.max_outstanding_requests_per_tenant,
        {
            .key = "query_scheduler.max_outstanding_requests_per_tenant",
            .flag = "query-scheduler.max-outstanding-requests-per-tenant",
            .help =
                "Queries of a tenant that may wait for a querier; one more is answered with 429.",
            .min = 1,
            .max = 100'000,
        }
    );
    d.option(
        o.querier_forget_delay,
        {
            .key = "query_scheduler.querier_forget_delay",
            .flag = "query-scheduler.querier-forget-delay",
            .help = "How long a querier that went away keeps its place among the queriers of the "
                    "tenants that have queriers of their own.",
            .category = config::Category::advanced,
        }
    );
    ring::declare(
        d, o.ring, "query_scheduler.ring", "query-scheduler.ring", ring::RingKind::membership
    );
}

void validate(const Options& options, config::Findings& findings) {
    ring::validate(options.ring, "query_scheduler.ring", findings);
}

}  // namespace mimir::query_scheduler
