#include "promql/engine/scalars.hpp"

#include <algorithm>

#include "promql/engine/arithmetic.hpp"

namespace mimir::promql::engine {

Result<std::vector<double>> ConstantScalar::evaluate() {
    return std::vector<double>(steps_.count, value_);
}

Result<std::vector<double>> TimeScalar::evaluate() {
    std::vector<double> values(steps_.count);
    for (std::size_t step = 0; step < values.size(); ++step) {
        values[step] = static_cast<double>(steps_.at(step)) / 1000;
    }
    return values;
}

Result<std::vector<double>> ScalarOfVector::evaluate() {
    MIMIR_TRY(input_->prepare());
    std::vector<double> values(steps_.count, kNaN);
    std::vector<std::uint32_t> floats(steps_.count);
    for (SeriesBlock block;;) {
        MIMIR_TRY(const bool more, input_->next(block));
        if (!more) break;
        for (std::size_t row = 0; row < block.row_count(); ++row) {
            const auto in = block.row(row);
            for (std::size_t step = 0; step < in.size(); ++step) {
                if (!is_absent(in[step])) values[step] = floats[step]++ == 0 ? in[step] : kNaN;
            }
        }
    }
    return values;
}

Result<std::vector<double>> ScalarArithmetic::evaluate() {
    MIMIR_TRY(auto left, left_->evaluate());
    MIMIR_TRY(const auto right, right_->evaluate());
    for (std::size_t step = 0; step < left.size(); ++step) {
        left[step] = function_(left[step], right[step]);
    }
    return left;
}

ScalarArithmetic::Function scalar_function(BinaryOp op) {
    return with_arithmetic(op, [](auto f) -> ScalarArithmetic::Function { return f; });
}

Result<void> VectorOfScalar::prepare() {
    series_.emplace_back();
    return {};
}

Result<bool> VectorOfScalar::next(SeriesBlock& block) {
    block.reset(steps_.count);
    if (input_ == nullptr) return false;
    MIMIR_TRY(const auto values, input_->evaluate());
    input_.reset();
    std::ranges::copy(values, block.add_row_for_overwrite(0).begin());
    return true;
}

}  // namespace mimir::promql::engine
