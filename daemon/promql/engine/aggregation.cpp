#include "promql/engine/aggregation.hpp"

namespace mimir::promql::engine {

Aggregation::Aggregation(
    QueryContext& context, Steps steps, VectorOperatorPtr input, LabelSubset kept, Call call
)
    : context_(context),
      steps_(steps),
      input_(std::move(input)),
      grouping_(std::move(kept)),
      call_(std::move(call)),
      held_(context.budget) {}

Result<void> Aggregation::prepare() {
    if (call_.parameter != nullptr) {
        MIMIR_TRY(auto parameter, call_.parameter->evaluate());
        for (const double q : parameter) {
            context_.annotator.check_quantile(q, call_.parameter_span);
        }
        accumulators_ = make_quantile_accumulators(std::move(parameter), held_);
    } else {
        accumulators_ = make_accumulators(call_.op);
    }
    MIMIR_TRY(input_->prepare());
    grouping_.assign(input_->series());
    series_ = grouping_.groups();
    return accumulators_->resize(grouping_.count(), steps_.count, held_);
}

Result<void> Aggregation::accumulate() {
    for (SeriesBlock block;;) {
        MIMIR_TRY(const bool more, input_->next(block));
        if (!more) return {};
        for (std::size_t row = 0; row < block.row_count(); ++row) {
            MIMIR_TRY(accumulators_->add(grouping_.group_of(block.series_of(row)), block.row(row)));
        }
        for (const auto& cell : block.histograms()) {
            const std::uint32_t series = block.series_of(cell.row);
            accumulators_->add(grouping_.group_of(series), cell.step, *cell.value);
            if (first_histogram_name_.empty()) {
                first_histogram_name_ = input_->series()[series].labels.metric_name();
            }
        }
    }
}

Result<bool> Aggregation::next(SeriesBlock& block) {
    if (!accumulated_) {
        accumulated_ = true;
        MIMIR_TRY(accumulate());
    }
    block.reset(steps_.count);
    for (; next_ < grouping_.count() && !block.is_full(); ++next_) {
        accumulators_->finish(next_, block.add_row(next_), block);
    }
    if (next_ == grouping_.count()) annotate();
    return !block.empty();
}

void Aggregation::annotate() {
    const auto notes = std::exchange(accumulators_->notes, {});
    auto& annotator = context_.annotator;
    if (notes.ignored_histograms) {
        annotator.inform(
            fmt::format("ignored histogram in {} aggregation", to_string(call_.op)),
            call_.input_span
        );
    }
    if (notes.mixed_kinds) {
        annotator.warn(
            "encountered a mix of histograms and floats for aggregation", call_.input_span
        );
    }
    if (notes.mixed_schemas) {
        annotator.warn(
            for_metric(
                "vector contains a mix of histograms with exponential and custom buckets schemas",
                first_histogram_name_
            ),
            call_.input_span
        );
    }
    if (notes.bounds_reconciled) {
        annotator.inform(
            "mismatched custom buckets were reconciled during aggregation", call_.input_span
        );
    }
    if (notes.resets_conflict) {
        annotator.warn("conflicting counter resets during histogram aggregation", call_.input_span);
    }
}

}  // namespace mimir::promql::engine
