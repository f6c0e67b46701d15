#include "promql/engine/stored_rows.hpp"

#include <algorithm>

namespace mimir::promql::engine {

const model::FloatHistogram* RowView::histogram_at(std::size_t step) const {
    if (histograms.empty()) return nullptr;
    const auto at = std::ranges::lower_bound(
        histograms, static_cast<std::uint32_t>(step), {}, &HistogramCell::step
    );
    return at != histograms.end() && at->step == step ? at->value.get() : nullptr;
}

Result<void> StoredRow::assign(RowView row, HeldSamples& held) {
    std::size_t samples = row.values.size();
    for (const auto& cell : row.histograms) samples += sample_weight(*cell.value);
    MIMIR_TRY(held.add(samples));
    values_.assign(row.values.begin(), row.values.end());
    histograms_.assign(row.histograms.begin(), row.histograms.end());
    return {};
}

bool StoredRow::merge(RowView row) {
    bool disjoint = true;
    for (std::size_t step = 0; step < row.values.size(); ++step) {
        if (is_absent(row.values[step])) continue;
        if (view().has_value_at(step)) {
            disjoint = false;
        } else {
            values_[step] = row.values[step];
        }
    }
    for (const auto& cell : row.histograms) {
        if (view().has_value_at(cell.step)) {
            disjoint = false;
        } else {
            histograms_.insert(
                std::ranges::lower_bound(histograms_, cell.step, {}, &HistogramCell::step), cell
            );
        }
    }
    return disjoint;
}

void StoredRow::append_to(SeriesBlock& block, std::uint32_t series) const {
    std::ranges::copy(values_, block.add_row_for_overwrite(series).begin());
    for (const auto& cell : histograms_) block.add_histogram(cell.step, cell.value);
}

}  // namespace mimir::promql::engine
