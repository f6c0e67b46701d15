#include "promql/engine/distinct_series.hpp"

namespace mimir::promql::engine {

namespace {

constexpr std::uint32_t kNone = ~0U;

}  // namespace

DistinctSeries::DistinctSeries(
    QueryContext& context, Steps steps, VectorOperatorPtr input, Names names
)
    : steps_(steps), input_(std::move(input)), names_(names), held_(context.budget) {}

Result<void> DistinctSeries::prepare() {
    MIMIR_TRY(input_->prepare());
    series_ = input_->series();
    if (names_ != Names::keep) drop_names(series_);
    if (names_ != Names::drop_only) number(series_);
    return {};
}

void DistinctSeries::drop_names(std::vector<SeriesMeta>& series) {
    std::string bytes;
    for (auto& [labels, drop_name] : series) {
        if (!drop_name) continue;
        drop_name = false;
        if (!labels.has(model::kMetricName)) continue;
        copy_without_name(labels, bytes);
        labels = arena_.store(bytes);
    }
}

void DistinctSeries::number(const std::vector<SeriesMeta>& series) {
    LabelsNumbering numbering;
    numbering.reserve(series.size());
    std::vector<std::uint32_t> target;
    std::vector<SeriesMeta> distinct;
    for (std::size_t i = 0; i < series.size(); ++i) {
        const auto [number, added] = numbering.add(series[i].labels.bytes());
        if (added && target.empty()) continue;
        if (target.empty()) {
            // The first series that is not distinct: those before it are, and keep their numbers.
            for (std::uint32_t before = 0; before < i; ++before) target.push_back(before);
            distinct.assign(series.begin(), series.begin() + static_cast<std::ptrdiff_t>(i));
            is_merged_.resize(i);
        }
        target.push_back(number);
        if (added) {
            distinct.push_back(series[i]);
            is_merged_.push_back(false);
        } else {
            is_merged_[number] = true;
        }
    }
    if (target.empty()) return;
    target_ = std::move(target);
    series_ = std::move(distinct);
    merged_index_.assign(series_.size(), kNone);
}

Result<bool> DistinctSeries::next(SeriesBlock& block) {
    if (target_.empty()) return input_->next(block);
    while (!exhausted_) {
        MIMIR_TRY(const bool more, input_->next(in_));
        if (!more) {
            exhausted_ = true;
            break;
        }
        block.reset(steps_.count);
        MIMIR_TRY(sort_out(block));
        if (!block.empty()) return true;
    }
    return emit_merged(block);
}

/// Passes the rows of distinct series on, and keeps the others.
Result<void> DistinctSeries::sort_out(SeriesBlock& block) {
    for (std::size_t row = 0; row < in_.row_count(); ++row) {
        const std::uint32_t series = target_[in_.series_of(row)];
        if (!is_merged_[series]) {
            std::ranges::copy(in_.row(row), block.add_row_for_overwrite(series).begin());
            for (const auto& cell : in_.histograms_of(row)) {
                block.add_histogram(cell.step, cell.value);
            }
            continue;
        }
        if (merged_index_[series] == kNone) {
            merged_index_[series] = static_cast<std::uint32_t>(merged_.size());
            merged_.emplace_back(series, StoredRow());
            MIMIR_TRY(merged_.back().second.assign(RowView::of(in_, row), held_));
        } else if (!merged_[merged_index_[series]].second.merge(RowView::of(in_, row))) {
            return fail(ErrorKind::invalid, "vector cannot contain metrics with the same labelset");
        }
    }
    return {};
}

bool DistinctSeries::emit_merged(SeriesBlock& block) {
    block.reset(steps_.count);
    for (; emitted_ < merged_.size() && !block.is_full(); ++emitted_) {
        merged_[emitted_].second.append_to(block, merged_[emitted_].first);
    }
    return !block.empty();
}

}  // namespace mimir::promql::engine
