#pragma once

#include <memory>

#include "promql/ast.hpp"
#include "promql/engine/context.hpp"
#include "promql/engine/series_block.hpp"

namespace mimir::promql::engine {

/// What came up in an aggregation.
struct AggregationNotes {
    bool ignored_histograms = false;
    bool mixed_kinds = false;
    bool mixed_schemas = false;
    bool bounds_reconciled = false;
    bool resets_conflict = false;
};

/// The running results of an aggregation: for each group a row of accumulators, one a step.
class Accumulators {
  public:
    virtual ~Accumulators() = default;

    /// Makes room. Errors: limit.
    virtual Result<void> resize(std::size_t groups, std::size_t steps, HeldSamples& held) = 0;
    /// Adds a row's floats to its group. Errors: limit.
    virtual Result<void> add(std::uint32_t group, std::span<const double> row) = 0;
    virtual void add(
        std::uint32_t group, std::uint32_t step, const model::FloatHistogram& value
    ) = 0;
    /// Adds the group's results to the block's last row, which is all absent.
    virtual void finish(std::uint32_t group, std::span<double> row, SeriesBlock& block) = 0;

    AggregationNotes notes;
};

/// For sum, avg, min, max, count, group, stddev, stdvar.
std::unique_ptr<Accumulators> make_accumulators(AggregateOp op);

/// For quantile; a parameter for each step.
std::unique_ptr<Accumulators> make_quantile_accumulators(
    std::vector<double> parameter, HeldSamples& held
);

}  // namespace mimir::promql::engine
