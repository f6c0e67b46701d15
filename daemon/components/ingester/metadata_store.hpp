#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "base/guarded.hpp"
#include "base/types.hpp"
#include "model/write_request.hpp"
#include "rpc/ingester_client.hpp"

namespace mimir::ingester {

/// What senders say of a tenant's metrics: in memory only, forgotten when it is no longer repeated. A metric may have
/// several metadata when senders do not agree.
/// Threads: any.
class MetadataStore {
  public:
    struct Limits {
        std::size_t metrics_max = 0;     ///< 0: none.
        std::size_t per_metric_max = 0;  ///< 0: none.
    };

    /// Errors: limit (max-metadata-per-user, max-metadata-per-metric).
    Result<void> add(const model::MetricMetadata& metadata, const Limits& limits, TimestampMs now);
    /// Forgets what was last added before `oldest`.
    void purge(TimestampMs oldest);

    [[nodiscard]] std::vector<model::MetricMetadata> find(const rpc::MetadataQuery& query) const;
    /// Number of metadata, not of metrics.
    [[nodiscard]] std::size_t size() const;

  private:
    struct Entry {
        model::Metadata metadata;
        TimestampMs last_seen;
    };
    using Entries = std::map<std::string, std::vector<Entry>, std::less<>>;

    Guarded<Entries> entries_;
};

}  // namespace mimir::ingester
