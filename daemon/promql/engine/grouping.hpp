#pragma once

#include "promql/engine/label_sets.hpp"
#include "promql/engine/operator.hpp"

namespace mimir::promql::engine {

/// The groups that `by` or `without` makes of series.
class Grouping {
  public:
    explicit Grouping(LabelSubset kept) : kept_(std::move(kept)) {}

    void assign(const std::vector<SeriesMeta>& series);
    [[nodiscard]] std::uint32_t group_of(std::uint32_t series) const { return group_of_[series]; }
    [[nodiscard]] std::size_t count() const { return groups_.size(); }
    /// The labels of each group; they live as long as the grouping.
    [[nodiscard]] const std::vector<SeriesMeta>& groups() const { return groups_; }

  private:
    LabelSubset kept_;
    LabelsArena arena_;
    std::vector<std::uint32_t> group_of_;
    std::vector<SeriesMeta> groups_;
};

}  // namespace mimir::promql::engine
