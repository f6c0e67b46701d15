#include "promql/engine/grouping.hpp"

namespace mimir::promql::engine {

void Grouping::assign(const std::vector<SeriesMeta>& series) {
    const bool keeps_name = kept_.has(model::kMetricName);
    LabelsNumbering numbering;
    group_of_.reserve(series.size());
    for (const auto& [labels, drop_name] : series) {
        const std::string_view key = kept_.of(labels);
        const auto [group, added] = numbering.add(key);
        if (added) groups_.push_back({arena_.store(key), false});
        groups_[group].drop_name |= keeps_name && drop_name;
        group_of_.push_back(group);
    }
}

}  // namespace mimir::promql::engine
