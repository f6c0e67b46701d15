#pragma once

#include "promql/engine/series_loader.hpp"

namespace mimir::promql::engine {

/// What a selector asks for.
struct Selection {
    model::Matchers matchers;
    Reference reference;
    /// The labels that are looked at; none: all.
    std::optional<model::LabelProjection> labels = {};
};

/// `metric{...}`: the newest sample of each series within the look-back at each step; with Yield::time, as the argument
/// of timestamp(), that sample's time in seconds.
class InstantSelector final : public VectorOperator {
  public:
    enum class Yield : std::uint8_t { value, time };

    InstantSelector(QueryContext& context, Steps steps, Selection selection, Yield yield);

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    void select(chunkenc::Points& points, SeriesBlock& block) const;
    void select_with_histograms(chunkenc::Points& points, std::span<double> row, SeriesBlock& block)
        const;

    Steps steps_;
    Selection selection_;
    Yield yield_;
    std::int64_t lookback_;
    SeriesLoader loader_;
    std::size_t next_ = 0;
};

/// `metric{...}[5m]`
class RangeSelector final : public RangeOperator {
  public:
    RangeSelector(QueryContext& context, Steps steps, Selection selection, std::int64_t range);

    Result<void> prepare() override;
    Result<const RangeSamples*> next(std::uint32_t& series) override;

  private:
    Steps steps_;
    Selection selection_;
    SeriesLoader loader_;
    std::size_t next_ = 0;
    std::vector<const model::FloatHistogram*> histograms_;
    RangeSamples samples_;
};

}  // namespace mimir::promql::engine
