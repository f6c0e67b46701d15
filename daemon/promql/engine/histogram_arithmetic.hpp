#pragma once

#include "promql/ast.hpp"
#include "promql/engine/context.hpp"

namespace mimir::promql::engine {

/// A side of a binary operation at one step: a float, or the histogram if there is one.
struct Operand {
    double value = kAbsent;
    const model::FloatHistogram* histogram = nullptr;

    [[nodiscard]] bool exists() const { return histogram != nullptr || !is_absent(value); }
};

/// The outcome: a float, a histogram, or (both lacking) nothing.
struct Outcome {
    double value = kAbsent;
    HistogramPtr histogram;
};

/// Binary operations of which at least one side is a histogram. Tells users of those that make no sense.
class HistogramArithmetic {
  public:
    HistogramArithmetic(Annotator& annotator, BinaryOp op, bool return_bool, Span span)
        : annotator_(annotator), op_(op), return_bool_(return_bool), span_(span) {}

    Outcome apply(const Operand& left, const Operand& right);

  private:
    Outcome of_two(const model::FloatHistogram& left, const model::FloatHistogram& right);
    Outcome scaled(const model::FloatHistogram& histogram, double number);
    void incompatible(const Operand& left, const Operand& right);

    Annotator& annotator_;
    BinaryOp op_;
    bool return_bool_;
    Span span_;
};

}  // namespace mimir::promql::engine
