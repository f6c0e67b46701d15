#pragma once

#include "promql/engine/operator.hpp"

namespace mimir::promql::engine {

/// absent(v), and absent_over_time over the rows of present_over_time: 1 at the steps at which no series has a value.
class Absent final : public VectorOperator {
  public:
    Absent(Steps steps, VectorOperatorPtr input, model::Labels labels)
        : steps_(steps), input_(std::move(input)), labels_(std::move(labels)) {}

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    Steps steps_;
    VectorOperatorPtr input_;
    model::Labels labels_;
    bool done_ = false;
};

/// The labels that a selector's equality matchers give an absent series.
model::Labels absent_labels(const model::Matchers& matchers);

}  // namespace mimir::promql::engine
