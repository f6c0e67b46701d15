#include "promql/engine/count_values.hpp"

#include <algorithm>

#include "model/histogram_buckets.hpp"
#include "promql/functions/label_functions.hpp"
#include "promql/printer.hpp"
#include "promql/quote.hpp"

namespace mimir::promql::engine {

namespace {

LabelSubset without_label(const Aggregate& aggregate, const std::string& label) {
    auto names = aggregate.grouping;
    if (aggregate.without) {
        names.push_back(label);
        return {LabelSubset::Kind::all_but, std::move(names)};
    }
    std::erase(names, label);
    return {LabelSubset::Kind::only, std::move(names)};
}

}  // namespace

CountValues::CountValues(
    QueryContext& context,
    Steps steps,
    VectorOperatorPtr input,
    const Aggregate& aggregate,
    std::string label
)
    : steps_(steps),
      input_(std::move(input)),
      label_(std::move(label)),
      value_is_kept_(
          !aggregate.without ||
          std::ranges::find(aggregate.grouping, label_) == aggregate.grouping.end()
      ),
      others_(without_label(aggregate, label_)),
      held_(context.budget) {}

Result<void> CountValues::prepare() {
    if (!is_label_name(label_)) {
        return fail(ErrorKind::invalid, "invalid label name {}", quote(label_));
    }
    MIMIR_TRY(input_->prepare());
    for (SeriesBlock block;;) {
        MIMIR_TRY(const bool more, input_->next(block));
        if (!more) return {};
        for (std::size_t i = 0; i < block.row_count(); ++i) {
            const auto row = block.row(i);
            for (std::size_t step = 0; step < row.size(); ++step) {
                if (is_absent(row[step])) continue;
                MIMIR_TRY(count(block.series_of(i), step, format_number(row[step])));
            }
        }
        for (const auto& cell : block.histograms()) {
            MIMIR_TRY(count(block.series_of(cell.row), cell.step, model::to_string(*cell.value)));
        }
    }
}

Result<void> CountValues::count(std::uint32_t series, std::size_t step, std::string value) {
    const auto& meta = input_->series()[series];
    const auto others = model::LabelsView::from_canonical(others_.of(meta.labels));
    model::LabelsBuilder builder(others);
    if (value_is_kept_) builder.set(label_, value);
    const auto labels = builder.build();
    const auto [number, added] = numbering_.add(labels.bytes());
    if (added) {
        MIMIR_TRY(held_.add(steps_.count));
        series_.push_back({arena_.store(labels), false});
        rows_.emplace_back(steps_.count, kAbsent);
    }
    double& counted = rows_[number][step];
    counted = is_absent(counted) ? 1 : counted + 1;
    return {};
}

Result<bool> CountValues::next(SeriesBlock& block) {
    block.reset(steps_.count);
    for (; next_ < rows_.size() && !block.is_full(); ++next_) {
        std::ranges::copy(
            rows_[next_], block.add_row_for_overwrite(static_cast<std::uint32_t>(next_)).begin()
        );
    }
    return !block.empty();
}

}  // namespace mimir::promql::engine
