#pragma once

#include "promql/engine/accumulators.hpp"
#include "promql/engine/grouping.hpp"

namespace mimir::promql::engine {

/// sum, avg, min, max, count, group, stddev, stdvar, quantile: one series a group.
class Aggregation final : public VectorOperator {
  public:
    struct Call {
        AggregateOp op{};
        ScalarOperatorPtr parameter;  ///< of quantile
        Span parameter_span;
        Span input_span;
    };

    Aggregation(
        QueryContext& context, Steps steps, VectorOperatorPtr input, LabelSubset kept, Call call
    );

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    Result<void> accumulate();
    void annotate();

    QueryContext& context_;
    Steps steps_;
    VectorOperatorPtr input_;
    Grouping grouping_;
    Call call_;
    HeldSamples held_;
    std::unique_ptr<Accumulators> accumulators_;
    bool accumulated_ = false;
    std::uint32_t next_ = 0;  // group
    std::string first_histogram_name_;
};

}  // namespace mimir::promql::engine
