#include "promql/engine/step_invariant.hpp"

namespace mimir::promql::engine {

Result<void> StepInvariant::prepare() {
    MIMIR_TRY(input_->prepare());
    series_ = input_->series();
    return {};
}

Result<bool> StepInvariant::next(SeriesBlock& block) {
    block.reset(steps_.count);
    while (!block.is_full()) {
        if (row_ == in_.row_count()) {
            row_ = 0;
            MIMIR_TRY(const bool more, input_->next(in_));
            if (!more) {
                in_.reset(1);  // the input may have left the last rows in it
                break;
            }
        }
        std::ranges::fill(block.add_row_for_overwrite(in_.series_of(row_)), in_.row(row_).front());
        for (const auto& cell : in_.histograms_of(row_)) {
            for (std::size_t step = 0; step < steps_.count; ++step) {
                block.add_histogram(step, cell.value);
            }
        }
        ++row_;
    }
    return !block.empty();
}

}  // namespace mimir::promql::engine
