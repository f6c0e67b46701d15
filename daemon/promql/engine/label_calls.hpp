#pragma once

#include "promql/engine/label_sets.hpp"
#include "promql/engine/operator.hpp"
#include "promql/functions/label_functions.hpp"

namespace mimir::promql::engine {

/// label_replace, label_join: the same rows under other labels, which may come out equal (DistinctSeries sees to it).
class LabelCall final : public VectorOperator {
  public:
    LabelCall(VectorOperatorPtr input, std::unique_ptr<LabelFunction> function)
        : input_(std::move(input)), function_(std::move(function)) {}

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override { return input_->next(block); }

  private:
    VectorOperatorPtr input_;
    std::unique_ptr<LabelFunction> function_;
    LabelsArena arena_;
};

}  // namespace mimir::promql::engine
