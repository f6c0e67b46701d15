#include "components/distributor/ha_labels.hpp"

#include <algorithm>

#include "wire/labels.hpp"

namespace mimir::distributor {

Result<HaLabels> find_ha_labels(const model::WriteRequest& request, const config::Limits& limits) {
    HaLabels found;
    if (request.series.empty()) return found;
    std::vector<model::Label> labels;
    MIMIR_TRY(wire::parse_labels(request.series.front().labels.bytes(), labels));
    for (const model::Label& label : labels) {
        const bool valid = label.value.size() <= limits.max_label_value_length &&
                           model::is_valid_utf8(label.value);
        if (!valid) continue;
        if (label.name == limits.ha_cluster_label) found.cluster = label.value;
        if (label.name == limits.ha_replica_label) found.replica = label.value;
    }
    if (found.cluster.empty() || found.replica.empty()) return HaLabels{};
    return found;
}

Result<void> remove_label(model::WriteRequest& request, std::string_view name) {
    std::vector<model::Label> labels;
    std::string bytes;
    for (model::WriteSeries& series : request.series) {
        MIMIR_TRY(wire::parse_labels(series.labels.bytes(), labels));
        if (std::ranges::find(labels, name, &model::Label::name) == labels.end()) continue;
        bytes.clear();
        for (const model::Label& label : labels) {
            if (label.name != name) model::append_label(bytes, label);
        }
        // In the order in which they came: if it was not the canonical one, validation mends that.
        series.labels =
            request.rewritten.emplace_back(model::LabelsView::from_canonical(bytes)).view();
        series.hash = series.labels.hash();
        series.received_bytes = 0;
        series.canonical = false;
        request.as_received = false;
    }
    return {};
}

}  // namespace mimir::distributor
