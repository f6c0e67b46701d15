#include "promql/engine/instant_functions.hpp"

#include "model/histogram_arithmetic.hpp"

namespace mimir::promql::engine {

Result<void> RowwiseOperator::prepare() {
    MIMIR_TRY(input_->prepare());
    series_ = input_->series();
    if (names_ == Names::drop) {
        for (auto& series : series_) series.drop_name = true;
    }
    return begin();
}

Result<bool> RowwiseOperator::next(SeriesBlock& block) {
    MIMIR_TRY(const bool more, input_->next(block));
    if (more) apply(block);
    return more;
}

void MathsCall::apply(SeriesBlock& block) {
    block.histograms().clear();
    function_(block.values());
}

Result<void> BoundedCall::begin() {
    for (const auto& parameter : operators_) {
        MIMIR_TRY(auto values, parameter->evaluate());
        parameters_.push_back(std::move(values));
    }
    return {};
}

double BoundedCall::value_of(double value, std::size_t step) const {
    if (function_ == FunctionId::round) {
        return round_to(value, parameters_.empty() ? 1 : parameters_[0][step]);
    }
    const double bound = parameters_[0][step];
    if (function_ == FunctionId::clamp_min) return max_of(bound, value);
    if (function_ == FunctionId::clamp_max) return min_of(bound, value);
    const double upper = parameters_[1][step];
    return upper < bound ? kAbsent : max_of(bound, min_of(upper, value));
}

void BoundedCall::apply(SeriesBlock& block) {
    block.histograms().clear();
    for (std::size_t i = 0; i < block.row_count(); ++i) {
        const auto row = block.row(i);
        for (std::size_t step = 0; step < row.size(); ++step) {
            if (!is_absent(row[step])) row[step] = value_of(row[step], step);
        }
    }
}

void HistogramCall::apply(SeriesBlock& block) {
    std::ranges::fill(block.values(), kAbsent);
    for (const auto& cell : block.histograms()) {
        block.row(cell.row)[cell.step] = function_(*cell.value);
    }
    block.histograms().clear();
}

void Negation::apply(SeriesBlock& block) {
    for (double& value : block.values()) value = is_absent(value) ? kAbsent : -value;
    for (auto& cell : block.histograms()) {
        auto negated = *cell.value;
        model::multiply(negated, -1);
        cell.value = std::make_shared<const model::FloatHistogram>(std::move(negated));
    }
}

void StepTimeCall::apply(SeriesBlock& block) {
    for (const auto& cell : block.histograms()) block.row(cell.row)[cell.step] = 0;
    block.histograms().clear();
    for (std::size_t i = 0; i < block.row_count(); ++i) {
        const auto row = block.row(i);
        for (std::size_t step = 0; step < row.size(); ++step) {
            if (!is_absent(row[step])) row[step] = static_cast<double>(steps_.at(step)) / 1000;
        }
    }
}

}  // namespace mimir::promql::engine
