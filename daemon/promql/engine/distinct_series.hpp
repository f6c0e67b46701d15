#pragma once

#include "promql/engine/label_sets.hpp"
#include "promql/engine/stored_rows.hpp"

namespace mimir::promql::engine {

/// Makes the labels of an operator's series distinct: drops the metric names that are to go (if asked for), and merges
/// series whose labels are equal then.
/// Errors: invalid, when two of them have a value at the same step.
class DistinctSeries final : public VectorOperator {
  public:
    /// drop_only: they are distinct without them, or nobody tells them apart.
    enum class Names : std::uint8_t { drop, keep, drop_only };

    DistinctSeries(QueryContext& context, Steps steps, VectorOperatorPtr input, Names names);

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    void drop_names(std::vector<SeriesMeta>& series);
    void number(const std::vector<SeriesMeta>& series);
    Result<void> sort_out(SeriesBlock& block);
    bool emit_merged(SeriesBlock& block);

    Steps steps_;
    VectorOperatorPtr input_;
    Names names_;
    LabelsArena arena_;
    HeldSamples held_;

    // Empty while all series are distinct; they pass through then.
    std::vector<std::uint32_t> target_;  // by input series
    std::vector<bool> is_merged_;        // by series: it has more than one input series
    std::vector<std::pair<std::uint32_t, StoredRow>> merged_;
    std::vector<std::uint32_t> merged_index_;  // by series: in merged_
    SeriesBlock in_;
    bool exhausted_ = false;
    std::size_t emitted_ = 0;
};

}  // namespace mimir::promql::engine
