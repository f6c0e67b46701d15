#pragma once

#include "promql/engine/arithmetic.hpp"
#include "promql/engine/histogram_arithmetic.hpp"
#include "promql/engine/instant_functions.hpp"

namespace mimir::promql::engine {

/// `v * 2`, `100 - v`, `v > 0`: an operation of each element with a number.
class VectorScalarOperation final : public RowwiseOperator {
  public:
    enum class ScalarSide : std::uint8_t { left, right };

    VectorScalarOperation(
        QueryContext& context,
        Operation operation,
        Span span,
        VectorOperatorPtr vector,
        ScalarOperatorPtr scalar,
        ScalarSide side
    );

  private:
    Result<void> begin() override;
    void apply(SeriesBlock& block) override;
    void apply_to_histograms(SeriesBlock& block);

    Operation operation_;
    HistogramArithmetic histograms_;
    ScalarOperatorPtr scalar_;
    ScalarSide side_;
    std::vector<double> numbers_;  // by step
};

}  // namespace mimir::promql::engine
