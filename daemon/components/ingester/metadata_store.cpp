#include "components/ingester/metadata_store.hpp"

#include <algorithm>

namespace mimir::ingester {

Result<void> MetadataStore::add(
    const model::MetricMetadata& metadata, const Limits& limits, TimestampMs now
) {
    return entries_.with([&](Entries& entries) -> Result<void> {
        auto metric = entries.find(metadata.metric);
        if (metric == entries.end()) {
            if (limits.metrics_max != 0 && entries.size() >= limits.metrics_max) {
                return fail_with_id(
                    ErrorKind::limit,
                    "max-metadata-per-user",
                    "per-user metric metadata limit of {} exceeded",
                    limits.metrics_max
                );
            }
            metric = entries.try_emplace(metadata.metric).first;
        }
        std::vector<Entry>& known = metric->second;
        const auto same = std::find_if(known.begin(), known.end(), [&](const Entry& entry) {
            return entry.metadata == metadata.metadata;
        });
        if (same != known.end()) {
            same->last_seen = now;
            return {};
        }
        if (limits.per_metric_max != 0 && known.size() >= limits.per_metric_max) {
            return fail_with_id(
                ErrorKind::limit,
                "max-metadata-per-metric",
                "per-metric metadata limit of {} exceeded",
                limits.per_metric_max
            );
        }
        known.push_back({metadata.metadata, now});
        return {};
    });
}

void MetadataStore::purge(TimestampMs oldest) {
    entries_.with([&](Entries& entries) {
        for (auto& [metric, known] : entries) {
            std::erase_if(known, [&](const Entry& entry) { return entry.last_seen < oldest; });
        }
        std::erase_if(entries, [](const auto& entry) { return entry.second.empty(); });
    });
}

std::vector<model::MetricMetadata> MetadataStore::find(const rpc::MetadataQuery& query) const {
    std::vector<model::MetricMetadata> found;
    const auto collect = [&](const std::string& metric, const std::vector<Entry>& known) {
        const std::size_t count = query.per_metric_limit == 0
                                      ? known.size()
                                      : std::min(known.size(), query.per_metric_limit);
        for (std::size_t i = 0; i < count; ++i) found.push_back({metric, known[i].metadata});
    };
    entries_.with([&](const Entries& entries) {
        if (!query.metric.empty()) {
            if (const auto at = entries.find(query.metric); at != entries.end()) {
                collect(at->first, at->second);
            }
            return;
        }
        std::size_t metrics = 0;
        for (const auto& [metric, known] : entries) {
            if (query.metrics_limit != 0 && metrics++ >= query.metrics_limit) return;
            collect(metric, known);
        }
    });
    return found;
}

std::size_t MetadataStore::size() const {
    return entries_.with([](const Entries& entries) {
        std::size_t size = 0;
        for (const auto& [metric, known] : entries) size += known.size();
        return size;
    });
}

}  // namespace mimir::ingester
