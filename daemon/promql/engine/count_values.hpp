#pragma once

#include "promql/ast.hpp"
#include "promql/engine/label_sets.hpp"
#include "promql/engine/operator.hpp"

namespace mimir::promql::engine {

/// count_values: how many elements of each group have which value; the value becomes a label.
class CountValues final : public VectorOperator {
  public:
    CountValues(
        QueryContext& context,
        Steps steps,
        VectorOperatorPtr input,
        const Aggregate& aggregate,
        std::string label
    );

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    Result<void> count(std::uint32_t series, std::size_t step, std::string value);

    Steps steps_;
    VectorOperatorPtr input_;
    std::string label_;
    bool value_is_kept_;  // false: the label is among those left out
    LabelSubset others_;  // what is kept of the labels, the value's apart
    HeldSamples held_;
    LabelsArena arena_;
    LabelsNumbering numbering_;
    std::vector<std::vector<double>> rows_;
    std::size_t next_ = 0;
};

}  // namespace mimir::promql::engine
