#pragma once

// Functions of instant vectors that work series by series.

#include "promql/engine/operator.hpp"
#include "promql/functions/histogram_statistics.hpp"
#include "promql/functions/maths.hpp"

namespace mimir::promql::engine {

/// An operator whose rows are those of another one, with other values in them.
class RowwiseOperator : public VectorOperator {
  public:
    enum class Names : std::uint8_t { drop, keep };

    explicit RowwiseOperator(VectorOperatorPtr input, Names names = Names::drop)
        : input_(std::move(input)), names_(names) {}

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) final;

  protected:
    /// Changes the values of the block in place.
    virtual void apply(SeriesBlock& block) = 0;
    /// Called once, before any apply().
    virtual Result<void> begin() { return {}; }

  private:
    VectorOperatorPtr input_;
    Names names_;
};

/// abs, ceil, exp, minute, ...: floats only.
class MathsCall final : public RowwiseOperator {
  public:
    MathsCall(VectorOperatorPtr input, RowFunction function)
        : RowwiseOperator(std::move(input)), function_(function) {}

  private:
    void apply(SeriesBlock& block) override;
    RowFunction function_;
};

/// clamp, clamp_min, clamp_max, round: floats, with numbers that may change from step to step.
class BoundedCall final : public RowwiseOperator {
  public:
    BoundedCall(
        VectorOperatorPtr input, FunctionId function, std::vector<ScalarOperatorPtr> parameters
    )
        : RowwiseOperator(std::move(input)),
          function_(function),
          operators_(std::move(parameters)) {}

  private:
    Result<void> begin() override;
    void apply(SeriesBlock& block) override;
    [[nodiscard]] double value_of(double value, std::size_t step) const;

    FunctionId function_;
    std::vector<ScalarOperatorPtr> operators_;
    std::vector<std::vector<double>> parameters_;
};

/// histogram_count, _sum, _avg, _stddev, _stdvar: histograms only.
class HistogramCall final : public RowwiseOperator {
  public:
    HistogramCall(VectorOperatorPtr input, HistogramFunction function)
        : RowwiseOperator(std::move(input)), function_(function) {}

  private:
    void apply(SeriesBlock& block) override;
    HistogramFunction function_;
};

/// `-v`
class Negation final : public RowwiseOperator {
  public:
    using RowwiseOperator::RowwiseOperator;

  private:
    void apply(SeriesBlock& block) override;
};

/// Leaves histograms out.
class FloatsOnly final : public RowwiseOperator {
  public:
    explicit FloatsOnly(VectorOperatorPtr input) : RowwiseOperator(std::move(input), Names::keep) {}

  private:
    void apply(SeriesBlock& block) override { block.histograms().clear(); }
};

/// timestamp() of what is no selector: the time of the step, where there is a value.
class StepTimeCall final : public RowwiseOperator {
  public:
    StepTimeCall(Steps steps, VectorOperatorPtr input)
        : RowwiseOperator(std::move(input)), steps_(steps) {}

  private:
    void apply(SeriesBlock& block) override;
    Steps steps_;
};

}  // namespace mimir::promql::engine
