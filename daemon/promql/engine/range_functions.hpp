#pragma once

#include "promql/engine/operator.hpp"

namespace mimir::promql::engine {

/// `rate(x[5m])`, `max_over_time(x[1h:])` and so on: a function of a range vector.
class RangeFunctionCall final : public VectorOperator {
  public:
    struct Call {
        FunctionId id{};
        Span range_span;  ///< The range vector: what most annotations are about.
        std::vector<ScalarOperatorPtr> parameters;
        Span parameter_span;  ///< Of the first one.
    };

    RangeFunctionCall(QueryContext& context, Steps steps, RangeOperatorPtr range, Call call);

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    void slide_windows(const RangeSamples& samples);
    Result<void> evaluate(const RangeSamples& samples, std::uint32_t series, SeriesBlock& block);
    [[nodiscard]] std::size_t steps_at_once(std::size_t first) const;
    void annotate(std::uint32_t notes, std::string_view metric, std::span<const double> row);
    void tell(std::uint32_t notes, std::string_view metric);
    void annotate_quantiles();
    [[nodiscard]] Result<void> check_smoothing_factors() const;

    QueryContext& context_;
    Steps steps_;
    RangeOperatorPtr range_;
    Call call_;
    RangeFunction function_;
    std::vector<std::vector<double>> parameters_;  // each by step
    std::vector<std::int64_t> times_;              // of the steps
    std::vector<std::int64_t> ends_;               // of the windows
    std::vector<Window> windows_;                  // of the series at hand
    std::vector<std::pair<std::uint32_t, HistogramPtr>> histograms_;
    std::string_view last_not_counter_;  // the metric last told of
};

}  // namespace mimir::promql::engine
