#pragma once

// Stores the metrics of this process in this process: what a scrape of /metrics would bring, through the push path
// that every sample takes.

#include <string>
#include <unordered_set>
#include <vector>

#include "base/types.hpp"
#include "model/labels.hpp"
#include "model/write_request.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::self_monitoring {

/// Turns expositions into pushes, one after the other.
/// Threads: one at a time.
class Scraper {
  public:
    /// Every series gets the labels job="mimird" and this instance.
    explicit Scraper(std::string instance) : instance_(std::move(instance)) {}

    /// The families' samples and metadata at that time, up{} = 1, and a stale marker for each series that the exposition
    /// before had and this one lacks.
    model::WriteRequest scrape(
        const std::vector<telemetry::MetricFamily>& families, TimestampMs now
    );

  private:
    struct HashOfLabels {
        std::size_t operator()(const model::Labels& labels) const { return labels.hash().low; }
    };
    using Seen = std::unordered_set<model::Labels, HashOfLabels>;

    [[nodiscard]] model::Labels labels_of(
        const std::string& name, const std::vector<telemetry::Label>& labels
    ) const;

    const std::string instance_;
    Seen seen_;
};

}  // namespace mimir::self_monitoring
