#pragma once

// What flows between operators: the values of some series at all steps.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "promql/functions/values.hpp"

namespace mimir::promql::engine {

/// A histogram as the value of a row at a step.
struct HistogramCell {
    std::uint32_t row = 0;
    std::uint32_t step = 0;
    HistogramPtr value;  // not null
};

/// Rows of values, one a series, each with a cell a step. Reused, so that it allocates only while it grows.
/// Invariants: histograms are sorted by row and step; where there is one, the row's float is absent.
class SeriesBlock {
  public:
    /// About how many values a block should have, so that it and what an operator adds stay in the L2 cache.
    static constexpr std::size_t kCells = 16 * 1024;
    static constexpr std::size_t kRowsMax = 256;

    static std::size_t rows_wanted(std::size_t steps) {
        return std::clamp<std::size_t>(kCells / steps, 1, kRowsMax);
    }

    void reset(std::size_t steps) {
        steps_ = steps;
        series_.clear();
        histograms_.clear();
    }

    /// Adds a row, all absent, for the series of that index among its operator's.
    std::span<double> add_row(std::uint32_t series) {
        auto row = add_row_for_overwrite(series);
        std::ranges::fill(row, kAbsent);
        return row;
    }
    /// The same, with whatever values: the caller sets each.
    std::span<double> add_row_for_overwrite(std::uint32_t series) {
        series_.push_back(series);
        const std::size_t cells = series_.size() * steps_;
        if (values_.size() < cells) values_.resize(std::max(cells, 2 * values_.size()));
        return row(series_.size() - 1);
    }
    /// To the last row; steps in order.
    void add_histogram(std::size_t step, HistogramPtr value) {
        histograms_.push_back({last_row(), static_cast<std::uint32_t>(step), std::move(value)});
    }
    void drop_last_row() {
        while (!histograms_.empty() && histograms_.back().row == last_row()) histograms_.pop_back();
        series_.pop_back();
    }
    void drop_last_row_if_empty() {
        if (!has_values(last_row())) drop_last_row();
    }

    [[nodiscard]] std::size_t row_count() const { return series_.size(); }
    [[nodiscard]] std::size_t steps() const { return steps_; }
    [[nodiscard]] bool empty() const { return series_.empty(); }
    [[nodiscard]] bool is_full() const { return row_count() >= rows_wanted(steps_); }
    [[nodiscard]] std::uint32_t series_of(std::size_t row) const { return series_[row]; }
    void set_series(std::size_t row, std::uint32_t series) { series_[row] = series; }
    [[nodiscard]] std::span<double> row(std::size_t row) {
        return std::span(values_).subspan(row * steps_, steps_);
    }
    [[nodiscard]] std::span<const double> row(std::size_t row) const {
        return std::span(values_).subspan(row * steps_, steps_);
    }
    /// The floats of all rows, one after the other.
    [[nodiscard]] std::span<double> values() {
        return std::span(values_).first(series_.size() * steps_);
    }
    [[nodiscard]] std::vector<HistogramCell>& histograms() { return histograms_; }
    [[nodiscard]] const std::vector<HistogramCell>& histograms() const { return histograms_; }
    [[nodiscard]] std::span<const HistogramCell> histograms_of(std::size_t row) const {
        if (histograms_.empty()) return {};
        const auto found = std::ranges::equal_range(
            histograms_, static_cast<std::uint32_t>(row), {}, &HistogramCell::row
        );
        return {found.begin(), found.end()};
    }
    [[nodiscard]] bool has_values(std::size_t row) const {
        return !std::ranges::all_of(this->row(row), is_absent) || !histograms_of(row).empty();
    }

  private:
    [[nodiscard]] std::uint32_t last_row() const {
        return static_cast<std::uint32_t>(series_.size() - 1);
    }

    std::size_t steps_ = 1;
    std::vector<std::uint32_t> series_;  // by row
    std::vector<double> values_;         // row after row, and some more
    std::vector<HistogramCell> histograms_;
};

}  // namespace mimir::promql::engine
