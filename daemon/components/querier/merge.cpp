#include "components/querier/merge.hpp"

#include <tuple>

namespace mimir::querier {

std::vector<model::SeriesExemplars> merge_exemplars(
    std::vector<std::vector<model::SeriesExemplars>> answers
) {
    const bool single = answers.size() == 1;
    auto all = concatenate(std::move(answers));
    if (single) return all;
    std::ranges::sort(all, {}, &model::SeriesExemplars::series);
    std::vector<model::SeriesExemplars> merged;
    for (model::SeriesExemplars& own : all) {
        if (merged.empty() || merged.back().series != own.series) {
            merged.push_back({std::move(own.series), {}});
        }
        auto& exemplars = merged.back().exemplars;
        exemplars.insert(
            exemplars.end(),
            std::move_iterator(own.exemplars.begin()),
            std::move_iterator(own.exemplars.end())
        );
    }
    for (auto& [series, exemplars] : merged) {
        std::ranges::sort(exemplars, [](const auto& a, const auto& b) {
            return std::tie(a.time, a.value, a.labels) < std::tie(b.time, b.value, b.labels);
        });
        const auto rest = std::ranges::unique(exemplars);
        exemplars.erase(rest.begin(), rest.end());
    }
    return merged;
}

std::vector<model::MetricMetadata> merge_metadata(
    std::vector<std::vector<model::MetricMetadata>> answers, const rpc::MetadataQuery& query
) {
    const bool single = answers.size() == 1;
    auto all = concatenate(std::move(answers));
    if (single) return all;
    const auto rank = [](const model::MetricMetadata& own) {
        const auto& [type, help, unit] = own.metadata;
        return std::tie(own.metric, type, help, unit);
    };
    std::ranges::sort(all, {}, rank);
    std::vector<model::MetricMetadata> merged;
    std::size_t metrics = 0;
    std::size_t metric_begin = 0;  // in merged, of the current metric
    for (model::MetricMetadata& own : all) {
        if (metric_begin == merged.size() || merged[metric_begin].metric != own.metric) {
            if (query.metrics_limit != 0 && metrics == query.metrics_limit) break;
            ++metrics;
            metric_begin = merged.size();
        }
        const std::size_t known = merged.size() - metric_begin;
        if (query.per_metric_limit != 0 && known == query.per_metric_limit) continue;
        const bool is_known = std::any_of(
            merged.begin() + static_cast<std::ptrdiff_t>(metric_begin),
            merged.end(),
            [&](const auto& other) { return other.metadata == own.metadata; }
        );
        if (!is_known) merged.push_back(std::move(own));
    }
    return merged;
}

}  // namespace mimir::querier
