#include "components/self_monitoring/options.hpp"

namespace mimir::self_monitoring {

void declare(config::Declarer& d, Options& o) {
    using namespace std::chrono_literals;
    d.option(
        o.enabled,
        {
            .key = "self_monitoring.enabled",
            .help = "Store this process' own metrics here, as if it had been scraped.",
            .needs_process = true,
        }
    );
    d.option(
        o.tenant,
        {
            .key = "self_monitoring.tenant",
            .help = "Tenant to store them for.",
        }
    );
    d.option(
        o.interval,
        {
            .key = "self_monitoring.interval",
            .help = "How often to store them.",
            .min = 100ms,
        }
    );
}

}  // namespace mimir::self_monitoring
