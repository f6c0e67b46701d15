#include "promql/engine/vector_scalar.hpp"

namespace mimir::promql::engine {

VectorScalarOperation::VectorScalarOperation(
    QueryContext& context,
    Operation operation,
    Span span,
    VectorOperatorPtr vector,
    ScalarOperatorPtr scalar,
    ScalarSide side
)
    : RowwiseOperator(std::move(vector), operation.drops_name() ? Names::drop : Names::keep),
      operation_(operation),
      histograms_(context.annotator, operation.op, operation.return_bool, span),
      scalar_(std::move(scalar)),
      side_(side) {}

Result<void> VectorScalarOperation::begin() {
    MIMIR_TRY(numbers_, scalar_->evaluate());
    return {};
}

void VectorScalarOperation::apply(SeriesBlock& block) {
    with_arithmetic(operation_.op, [&](auto f) {
        for (std::size_t i = 0; i < block.row_count(); ++i) {
            const auto row = block.row(i);
            for (std::size_t step = 0; step < row.size(); ++step) {
                const double x = row[step];
                const double number = numbers_[step];
                const double result = side_ == ScalarSide::right ? f(x, number) : f(number, x);
                const double kept = result != 0 ? x : kAbsent;
                row[step] = is_absent(x) ? kAbsent : operation_.is_filter() ? kept : result;
            }
        }
    });
    if (!block.histograms().empty()) apply_to_histograms(block);
}

void VectorScalarOperation::apply_to_histograms(SeriesBlock& block) {
    std::erase_if(block.histograms(), [&](HistogramCell& cell) {
        const Operand vector{kAbsent, cell.value.get()};
        const Operand scalar{numbers_[cell.step], nullptr};
        auto outcome = side_ == ScalarSide::right ? histograms_.apply(vector, scalar)
                                                  : histograms_.apply(scalar, vector);
        cell.value = std::move(outcome.histogram);
        return cell.value == nullptr;
    });
}

}  // namespace mimir::promql::engine
