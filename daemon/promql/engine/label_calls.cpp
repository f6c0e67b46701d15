#include "promql/engine/label_calls.hpp"

namespace mimir::promql::engine {

Result<void> LabelCall::prepare() {
    MIMIR_TRY(input_->prepare());
    series_ = input_->series();
    const bool names_anew = function_->destination() == model::kMetricName;
    for (auto& series : series_) {
        series.labels = arena_.store(function_->apply(series.labels));
        if (names_anew) series.drop_name = false;
    }
    return {};
}

}  // namespace mimir::promql::engine
