#include "promql/engine/sort.hpp"

#include <algorithm>
#include <cmath>

#include "promql/functions/natural_order.hpp"

namespace mimir::promql::engine {

Result<void> SortByValue::prepare() {
    MIMIR_TRY(input_->prepare());
    series_ = input_->series();
    for (SeriesBlock block;;) {
        MIMIR_TRY(const bool more, input_->next(block));
        if (!more) break;
        MIMIR_TRY(held_.add(block.row_count()));
        for (std::size_t row = 0; row < block.row_count(); ++row) {
            const double value = block.row(row).front();
            if (!is_absent(value)) elements_.push_back({value, block.series_of(row)});
        }
    }
    std::ranges::sort(elements_, [this](const Element& a, const Element& b) {
        const bool nan = std::isnan(a.value);
        if (nan != std::isnan(b.value)) return !nan;
        if (nan || a.value == b.value) return a.series < b.series;
        return order_ == Order::ascending ? a.value < b.value : a.value > b.value;
    });
    return {};
}

Result<bool> SortByValue::next(SeriesBlock& block) {
    block.reset(1);
    for (; next_ < elements_.size() && !block.is_full(); ++next_) {
        block.add_row_for_overwrite(elements_[next_].series)[0] = elements_[next_].value;
    }
    return !block.empty();
}

Result<void> SortByLabel::prepare() {
    MIMIR_TRY(input_->prepare());
    series_ = input_->series();
    for (SeriesBlock block;;) {
        MIMIR_TRY(const bool more, input_->next(block));
        if (!more) break;
        for (std::size_t row = 0; row < block.row_count(); ++row) {
            rows_.emplace_back(block.series_of(row), StoredRow());
            MIMIR_TRY(rows_.back().second.assign(RowView::of(block, row), held_));
        }
    }
    std::ranges::sort(rows_, [this](const auto& a, const auto& b) {
        return order_ == SortByValue::Order::ascending ? less(a.first, b.first)
                                                       : less(b.first, a.first);
    });
    return {};
}

bool SortByLabel::less(std::uint32_t a, std::uint32_t b) const {
    const auto labels_a = series_[a].labels;
    const auto labels_b = series_[b].labels;
    for (const auto& label : labels_) {
        const auto order = natural_order(labels_a.get(label), labels_b.get(label));
        if (order != 0) return order < 0;
    }
    return labels_a < labels_b;
}

Result<bool> SortByLabel::next(SeriesBlock& block) {
    block.reset(1);
    for (; next_ < rows_.size() && !block.is_full(); ++next_) {
        rows_[next_].second.append_to(block, rows_[next_].first);
    }
    return !block.empty();
}

}  // namespace mimir::promql::engine
