#pragma once

#include "promql/ast.hpp"
#include "promql/engine/operator.hpp"

namespace mimir::promql::engine {

/// A number, the same at all steps.
class ConstantScalar final : public ScalarOperator {
  public:
    ConstantScalar(Steps steps, double value) : steps_(steps), value_(value) {}
    Result<std::vector<double>> evaluate() override;

  private:
    Steps steps_;
    double value_;
};

/// `time()`
class TimeScalar final : public ScalarOperator {
  public:
    explicit TimeScalar(Steps steps) : steps_(steps) {}
    Result<std::vector<double>> evaluate() override;

  private:
    Steps steps_;
};

/// `scalar(v)`: the value of the only element; NaN where there are none, more, or a histogram.
class ScalarOfVector final : public ScalarOperator {
  public:
    ScalarOfVector(Steps steps, VectorOperatorPtr input)
        : steps_(steps), input_(std::move(input)) {}
    Result<std::vector<double>> evaluate() override;

  private:
    Steps steps_;
    VectorOperatorPtr input_;
};

/// `1 + time()`, `-scalar(x)`, `max_of(a, b)`: a function of two numbers at each step.
class ScalarArithmetic final : public ScalarOperator {
  public:
    using Function = double (*)(double, double);

    ScalarArithmetic(Function function, ScalarOperatorPtr left, ScalarOperatorPtr right)
        : function_(function), left_(std::move(left)), right_(std::move(right)) {}
    Result<std::vector<double>> evaluate() override;

  private:
    Function function_;
    ScalarOperatorPtr left_;
    ScalarOperatorPtr right_;
};

ScalarArithmetic::Function scalar_function(BinaryOp op);

/// `vector(s)`: one element without labels.
class VectorOfScalar final : public VectorOperator {
  public:
    VectorOfScalar(Steps steps, ScalarOperatorPtr input)
        : steps_(steps), input_(std::move(input)) {}
    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    Steps steps_;
    ScalarOperatorPtr input_;  // null once it has been read
};

}  // namespace mimir::promql::engine
