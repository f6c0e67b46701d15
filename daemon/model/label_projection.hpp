#pragma once

#include <string>
#include <vector>

#include "model/labels.hpp"

namespace mimir::model {

/// The labels of series that a reader looks at. Who is asked for series with one may leave out their other labels: then
/// series that differ in those alone look equal, and are still one each.
class LabelProjection {
  public:
    LabelProjection() = default;
    explicit LabelProjection(std::vector<std::string> names);

    /// Sorted, unique.
    [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
    /// Replaces `bytes` by the canonical bytes of those labels that the set has.
    void copy(LabelsView labels, std::string& bytes) const;

  private:
    std::vector<std::string> names_;
};

}  // namespace mimir::model
