#include "promql/engine/accumulators.hpp"

#include <array>
#include <cmath>
#include <unordered_map>

#include "model/histogram_arithmetic.hpp"
#include "promql/functions/range_function.hpp"

namespace mimir::promql::engine {

namespace {

using model::FloatHistogram;

// Cells: the accumulator of one group at one step. An empty cell's value is absent.

struct SumCell {
    double sum = kAbsent;
    double compensation = 0;

    void add(double x) {
        if (is_absent(sum)) {
            sum = x;
            return;
        }
        CompensatedSum next{sum, compensation};
        next.add(x);
        sum = next.sum;
        compensation = next.compensation;
    }
    [[nodiscard]] double value() const {
        return is_absent(sum) ? kAbsent : CompensatedSum{sum, compensation}.value();
    }
};

struct MeanCell {
    CompensatedMean mean;
    bool empty = true;

    void add(double x) {
        mean.add(x);
        empty = false;
    }
    [[nodiscard]] double value() const { return empty ? kAbsent : mean.value(); }
};

struct MinCell {
    double best = kAbsent;

    void add(double x) { best = x < best || std::isnan(best) ? x : best; }
    [[nodiscard]] double value() const { return best; }
};

struct MaxCell {
    double best = kAbsent;

    void add(double x) { best = x > best || std::isnan(best) ? x : best; }
    [[nodiscard]] double value() const { return best; }
};

struct CountCell {
    double count = 0;

    void add(double) { ++count; }
    [[nodiscard]] double value() const { return count > 0 ? count : kAbsent; }
};

struct GroupCell {
    double seen = kAbsent;

    void add(double) { seen = 1; }
    [[nodiscard]] double value() const { return seen; }
};

struct VarianceCell {
    RunningVariance variance;
    bool empty = true;

    void add(double x) {
        variance.add(x);
        empty = false;
    }
    [[nodiscard]] double value() const { return empty ? kAbsent : variance.value(); }
};

struct DeviationCell : VarianceCell {
    [[nodiscard]] double value() const { return empty ? kAbsent : std::sqrt(variance.value()); }
};

/// What becomes of histograms.
enum class Histograms { ignore, count };

template <class Cell, Histograms histograms>
class CellAccumulators : public Accumulators {
  public:
    Result<void> resize(std::size_t groups, std::size_t steps, HeldSamples& held) override {
        steps_ = steps;
        MIMIR_TRY(
            held.add(groups * steps * std::max<std::size_t>(1, sizeof(Cell) / sizeof(FloatPoint)))
        );
        cells_.resize(groups * steps);
        return {};
    }

    Result<void> add(std::uint32_t group, std::span<const double> row) override {
        Cell* const cells = &cells_[group * steps_];
        for (std::size_t step = 0; step < row.size(); ++step) {
            if (!is_absent(row[step])) cells[step].add(row[step]);
        }
        return {};
    }

    void add(std::uint32_t group, std::uint32_t step, const FloatHistogram&) override {
        if constexpr (histograms == Histograms::count) {
            cells_[group * steps_ + step].add(0);
        } else {
            notes.ignored_histograms = true;
        }
    }

    void finish(std::uint32_t group, std::span<double> row, SeriesBlock&) override {
        for (std::size_t step = 0; step < row.size(); ++step) {
            row[step] = cells_[group * steps_ + step].value();
        }
    }

  protected:
    std::size_t steps_ = 0;
    std::vector<Cell> cells_;
};

enum class Total { sum, mean };

/// sum and avg: of floats, or of histograms, but not of both.
template <class Cell, Total total>
class TotalAccumulators final : public CellAccumulators<Cell, Histograms::ignore> {
    using Base = CellAccumulators<Cell, Histograms::ignore>;

  public:
    using Base::add;

    void add(std::uint32_t group, std::uint32_t step, const FloatHistogram& value) override {
        auto& notes = this->notes;
        const auto [at, first] = sums_.try_emplace(group * this->steps_ + step, value);
        auto& cell = at->second;
        cell.reset |= value.reset_hint == model::CounterResetHint::reset;
        cell.not_reset |= value.reset_hint == model::CounterResetHint::not_reset;
        notes.resets_conflict |= cell.reset && cell.not_reset;
        if (first || !cell.compatible) return;
        ++cell.count;
        const auto outcome = cell.sum.add(value);
        cell.compatible = outcome.compatible;
        notes.mixed_schemas |= !outcome.compatible;
        notes.bounds_reconciled |= outcome.bounds_reconciled;
    }

    void finish(std::uint32_t group, std::span<double> row, SeriesBlock& block) override {
        Base::finish(group, row, block);
        if (sums_.empty()) return;
        for (std::size_t step = 0; step < row.size(); ++step) {
            const auto at = sums_.find(group * this->steps_ + step);
            if (at == sums_.end()) continue;
            auto& cell = at->second;
            if (!is_absent(row[step])) {
                this->notes.mixed_kinds = true;
                row[step] = kAbsent;
            } else if (cell.compatible) {
                if (total == Total::mean) cell.sum.divide(cell.count);
                auto result = cell.sum.result();
                model::compact(result);
                block.add_histogram(
                    step, std::make_shared<const FloatHistogram>(std::move(result))
                );
            }
        }
    }

  private:
    struct HistogramCell {
        explicit HistogramCell(const FloatHistogram& first) : sum(first) {}
        model::HistogramSum sum;
        double count = 1;
        bool compatible = true;
        bool reset = false;
        bool not_reset = false;
    };
    std::unordered_map<std::size_t, HistogramCell> sums_;  // by cell
};

class QuantileAccumulators final : public Accumulators {
  public:
    QuantileAccumulators(std::vector<double> parameter, HeldSamples& held)
        : parameter_(std::move(parameter)), held_(held) {}

    Result<void> resize(std::size_t groups, std::size_t, HeldSamples&) override {
        rows_.resize(groups);
        return {};
    }

    Result<void> add(std::uint32_t group, std::span<const double> row) override {
        MIMIR_TRY(held_.add(row.size()));
        rows_[group].emplace_back(row.begin(), row.end());
        return {};
    }

    void add(std::uint32_t, std::uint32_t, const FloatHistogram&) override {
        notes.ignored_histograms = true;
    }

    void finish(std::uint32_t group, std::span<double> row, SeriesBlock&) override {
        // Some steps at a time, as the values of a step are far from each other.
        constexpr std::size_t kTile = 16;
        std::array<std::vector<double>, kTile> values;
        for (std::size_t first = 0; first < row.size(); first += kTile) {
            const std::size_t tile = std::min(kTile, row.size() - first);
            for (const auto& stored : rows_[group]) {
                for (std::size_t i = 0; i < tile; ++i) {
                    if (!is_absent(stored[first + i])) values[i].push_back(stored[first + i]);
                }
            }
            for (std::size_t i = 0; i < tile; ++i) {
                if (!values[i].empty()) row[first + i] = quantile(parameter_[first + i], values[i]);
                values[i].clear();
            }
        }
        rows_[group] = {};
    }

  private:
    std::vector<double> parameter_;
    HeldSamples& held_;
    std::vector<std::vector<std::vector<double>>> rows_;  // by group
};

}  // namespace

std::unique_ptr<Accumulators> make_accumulators(AggregateOp op) {
    switch (op) {
        case AggregateOp::sum: return std::make_unique<TotalAccumulators<SumCell, Total::sum>>();
        case AggregateOp::avg: return std::make_unique<TotalAccumulators<MeanCell, Total::mean>>();
        case AggregateOp::min:
            return std::make_unique<CellAccumulators<MinCell, Histograms::ignore>>();
        case AggregateOp::max:
            return std::make_unique<CellAccumulators<MaxCell, Histograms::ignore>>();
        case AggregateOp::count:
            return std::make_unique<CellAccumulators<CountCell, Histograms::count>>();
        case AggregateOp::group:
            return std::make_unique<CellAccumulators<GroupCell, Histograms::count>>();
        case AggregateOp::stddev:
            return std::make_unique<CellAccumulators<DeviationCell, Histograms::ignore>>();
        case AggregateOp::stdvar:
            return std::make_unique<CellAccumulators<VarianceCell, Histograms::ignore>>();
        default: return nullptr;
    }
}

std::unique_ptr<Accumulators> make_quantile_accumulators(
    std::vector<double> parameter, HeldSamples& held
) {
    return std::make_unique<QuantileAccumulators>(std::move(parameter), held);
}

}  // namespace mimir::promql::engine
