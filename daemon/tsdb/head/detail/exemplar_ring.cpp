#include "tsdb/head/detail/exemplar_ring.hpp"

#include <algorithm>

namespace mimir::tsdb::detail {

const model::Exemplar* ExemplarRing::newest(const model::LabelsHash& series) const {
    const auto found = series_.find(series);
    return found == series_.end() ? nullptr : &ring_[found->second.newest].exemplar;
}

void ExemplarRing::add(
    model::LabelsView labels, const model::LabelsHash& series, const model::Exemplar& exemplar
) {
    if (capacity_ == 0) return;
    const model::Exemplar* last = newest(series);
    if (last != nullptr && (exemplar.time < last->time || exemplar == *last)) return;
    std::size_t at = ring_.size();
    if (ring_.size() < capacity_) {
        ring_.push_back({series, exemplar});
    } else {
        at = next_;
        next_ = (next_ + 1) % capacity_;
        displace(ring_[at]);
        ring_[at] = {series, exemplar};
    }
    Series& entry = series_[series];
    if (entry.count++ == 0) entry.labels = model::Labels(labels);
    entry.newest = at;
}

void ExemplarRing::displace(const Entry& entry) {
    const auto found = series_.find(entry.series);
    if (--found->second.count == 0) series_.erase(found);
}

std::vector<SeriesExemplars> ExemplarRing::select(
    std::span<const model::Matchers> selectors, TimeRange range
) const {
    std::unordered_map<model::LabelsHash, SeriesExemplars, model::LabelsHashHasher> selected;
    for (const auto& [hash, series] : series_) {
        const bool wanted = std::ranges::any_of(selectors, [&](const model::Matchers& matchers) {
            return model::matches(matchers, series.labels);
        });
        if (wanted) selected[hash].series = series.labels;
    }
    for (std::size_t i = 0; i < ring_.size(); ++i) {
        const Entry& entry = ring_[(next_ + i) % ring_.size()];
        if (!range.contains(entry.exemplar.time)) continue;
        const auto found = selected.find(entry.series);
        if (found != selected.end()) found->second.exemplars.push_back(entry.exemplar);
    }
    std::vector<SeriesExemplars> result;
    for (auto& [hash, series] : selected) {
        if (!series.exemplars.empty()) result.push_back(std::move(series));
    }
    std::ranges::sort(result, [](const auto& a, const auto& b) { return a.series < b.series; });
    return result;
}

}  // namespace mimir::tsdb::detail
