#include "components/gateway/options.hpp"

namespace mimir::gateway {

void declare(config::Declarer& d, Options& o) {
    using config::Category;
    using namespace std::chrono_literals;
    d.option(
        o.auth_file,
        {
            .key = "gateway.auth_file",
            .help = "YAML file of credentials and the tenants that each may speak for. Without it, "
                    "requests need no credentials. The process' own pages never do.",
        }
    );
    d.option(
        o.auth_reload_period,
        {
            .key = "gateway.auth_reload_period",
            .help = "How often to look for changes of the file of credentials.",
            .category = Category::advanced,
            .min = 10ms,
        }
    );
    d.option(
        o.refresh_period,
        {
            .key = "gateway.refresh_period",
            .help = "How often to look where modules run.",
            .category = Category::advanced,
            .min = 10ms,
        }
    );
    d.option(
        o.connect_timeout,
        {
            .key = "gateway.connect_timeout",
            .help = "Longest wait for an instance to accept a connection.",
            .category = Category::advanced,
            .min = 1ms,
        }
    );
    d.option(
        o.stall_timeout,
        {
            .key = "gateway.stall_timeout",
            .help = "Longest time in which an instance may neither take more of a request nor send "
                    "more of its answer. Should be more than the time-out of queries.",
            .category = Category::advanced,
            .min = 1ms,
        }
    );
    d.option(
        o.retries_max,
        {
            .key = "gateway.max_retries",
            .help = "Other instances that a request is sent to after one failed, where sending it "
                    "again is safe.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.failure_backoff,
        {
            .key = "gateway.failure_backoff",
            .help = "How long an instance that failed is left alone while there are others.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.parking_timeout,
        {
            .key = "gateway.parking_timeout",
            .help = "How long a request waits, unread, while no instance of its module answers: "
                    "longer than one takes to start again. 0 refuses it at once.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.parked_requests_limit,
        {
            .key = "gateway.max_parked_requests",
            .help = "Most requests that wait so; more are refused at once.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.instance_requests_limit,
        {
            .key = "gateway.max_inflight_requests_per_instance",
            .help = "Most requests under way at one instance.",
            .category = Category::advanced,
            .min = 1,
        }
    );
    d.option(
        o.instance_idle_connections_limit,
        {
            .key = "gateway.max_idle_connections_per_instance",
            .help = "Most connections that are kept for later requests to one instance.",
            .category = Category::advanced,
        }
    );
    d.option(
        o.body_bytes_limit,
        {
            .key = "gateway.max_request_body_size",
            .help = "Largest body of a request that is passed on. 0 for no limit but those of the "
                    "instances.",
            .category = Category::advanced,
            .unit = config::Unit::bytes,
        }
    );
}

}  // namespace mimir::gateway
