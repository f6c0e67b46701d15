#pragma once

#include "promql/engine/operator.hpp"

namespace mimir::promql::engine {

/// Repeats on every step what an operator yields at the first one: for expressions all of whose selectors are fixed by @.
class StepInvariant final : public VectorOperator {
  public:
    /// The input has been made for steps.first_only().
    StepInvariant(Steps steps, VectorOperatorPtr input) : steps_(steps), input_(std::move(input)) {}

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    Steps steps_;
    VectorOperatorPtr input_;
    SeriesBlock in_;
    std::size_t row_ = 0;  // the next of in_
};

}  // namespace mimir::promql::engine
