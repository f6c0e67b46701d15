#include "model/label_projection.hpp"

#include <algorithm>

namespace mimir::model {

LabelProjection::LabelProjection(std::vector<std::string> names) : names_(std::move(names)) {
    std::ranges::sort(names_);
    names_.erase(std::ranges::unique(names_).begin(), names_.end());
}

void LabelProjection::copy(LabelsView labels, std::string& bytes) const {
    bytes.clear();
    auto wanted = names_.begin();
    for (const Label label : labels) {
        while (wanted != names_.end() && *wanted < label.name) ++wanted;
        if (wanted == names_.end()) return;
        if (*wanted == label.name) append_label(bytes, label);
    }
}

}  // namespace mimir::model
