#pragma once

#include "promql/engine/operator.hpp"

namespace mimir::promql::engine {

/// The values of one series at all steps, somewhere in memory.
struct RowView {
    std::span<const double> values;             // by step; empty: the row doesn't exist
    std::span<const HistogramCell> histograms;  // by step

    static RowView of(const SeriesBlock& block, std::size_t row) {
        return {block.row(row), block.histograms_of(row)};
    }
    /// Null when there is none at the step.
    [[nodiscard]] const model::FloatHistogram* histogram_at(std::size_t step) const;
    [[nodiscard]] bool has_value_at(std::size_t step) const {
        return !values.empty() && (!is_absent(values[step]) || histogram_at(step) != nullptr);
    }
};

/// A row that an operator keeps beyond its block.
class StoredRow {
  public:
    /// Copies the row, which is held against the budget. Errors: limit.
    Result<void> assign(RowView row, HeldSamples& held);
    /// Adds the values of another row where this one has none. False when both have one at some step.
    bool merge(RowView row);
    void append_to(SeriesBlock& block, std::uint32_t series) const;

    [[nodiscard]] bool empty() const { return values_.empty(); }
    [[nodiscard]] RowView view() const { return {values_, histograms_}; }

  private:
    std::vector<double> values_;
    std::vector<HistogramCell> histograms_;  // by step; their rows mean nothing
};

}  // namespace mimir::promql::engine
