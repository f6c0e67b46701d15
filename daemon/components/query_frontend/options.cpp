#include "components/query_frontend/options.hpp"

namespace mimir::query_frontend {

void declare(config::Declarer& d, Options& o) {
    d.option(
        o.prometheus_http_prefix,
        {
            .key = "api.prometheus_http_prefix",
            .flag = "http.prometheus-http-prefix",
            .help = "Path under which Prometheus' HTTP API is served.",
            .category = config::Category::advanced,
            .needs_process = true,
        }
    );
}

}  // namespace mimir::query_frontend
