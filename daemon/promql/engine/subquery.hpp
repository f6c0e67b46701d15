#pragma once

#include <deque>

#include "promql/engine/operator.hpp"

namespace mimir::promql::engine {

/// `expr[30m:1m]`: what an expression yields at the subquery's own steps, as range vectors for the outer steps.
class SubqueryRange final : public RangeOperator {
  public:
    /// The input has been made for `inner`, the steps that the outer steps' windows cover.
    SubqueryRange(
        QueryContext& context, Steps inner, VectorOperatorPtr input, RangeWindows windows
    );

    Result<void> prepare() override;
    Result<const RangeSamples*> next(std::uint32_t& series) override;

    /// The multiples of the interval that lie in the windows of all outer steps; none (count 0) when there is none.
    static Steps inner_steps(
        const Steps& outer, const RangeWindows& windows, std::int64_t interval
    );

  private:
    const model::FloatHistogram* without_hint(const HistogramPtr& histogram);

    QueryContext& context_;
    Steps inner_;
    VectorOperatorPtr input_;
    SeriesBlock block_;
    std::size_t row_ = 0;
    std::vector<TimestampMs> times_;
    std::vector<double> values_;
    std::vector<TimestampMs> histogram_times_;
    std::vector<const model::FloatHistogram*> histograms_;
    std::deque<model::FloatHistogram> copies_;  // of the row at hand
    RangeSamples samples_;
};

}  // namespace mimir::promql::engine
