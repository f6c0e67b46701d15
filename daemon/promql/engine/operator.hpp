#pragma once

// The three kinds of operators: of instant vectors, of scalars, of range vectors. A query is a tree of them, made by
// the planner for the query's steps (or, within a subquery, for the subquery's).
//
// Use: prepare() once, then series() is settled; then next() until it returns false.
// Threads: one; operators of one query share a QueryContext.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "model/labels.hpp"
#include "promql/engine/context.hpp"
#include "promql/engine/series_block.hpp"
#include "promql/engine/steps.hpp"
#include "promql/functions/range_function.hpp"

namespace mimir::promql::engine {

/// A series that an operator may yield rows of.
struct SeriesMeta {
    model::LabelsView labels;  ///< Lives as long as the operator.
    bool drop_name = false;    ///< The metric name is to go, but hasn't yet.
};

/// Yields an instant vector at each step.
class VectorOperator {
  public:
    virtual ~VectorOperator() = default;

    /// Settles series(). Reads data only where the labels depend on them.
    virtual Result<void> prepare() = 0;
    /// Replaces the block's content by the next rows; false when there are no more. A series has at most one row in all;
    /// one without values may have none. Rows are in no order, unless the operator says so.
    virtual Result<bool> next(SeriesBlock& block) = 0;

    [[nodiscard]] const std::vector<SeriesMeta>& series() const { return series_; }

  protected:
    std::vector<SeriesMeta> series_;
};

using VectorOperatorPtr = std::unique_ptr<VectorOperator>;

/// Yields a number at each step.
class ScalarOperator {
  public:
    virtual ~ScalarOperator() = default;
    /// One value a step. Called once.
    virtual Result<std::vector<double>> evaluate() = 0;
};

using ScalarOperatorPtr = std::unique_ptr<ScalarOperator>;

/// The windows a range vector is about: (reference - range, reference] for each step.
struct RangeWindows {
    Reference reference;
    std::int64_t range = 0;  // ms
};

/// Yields a range vector, series by series.
class RangeOperator {
  public:
    virtual ~RangeOperator() = default;

    virtual Result<void> prepare() = 0;
    /// The samples of the next series, whose index is put into `series`; null at the end. Valid until the next call.
    virtual Result<const RangeSamples*> next(std::uint32_t& series) = 0;

    [[nodiscard]] const std::vector<SeriesMeta>& series() const { return series_; }
    [[nodiscard]] const RangeWindows& windows() const { return windows_; }

  protected:
    std::vector<SeriesMeta> series_;
    RangeWindows windows_;
};

using RangeOperatorPtr = std::unique_ptr<RangeOperator>;

}  // namespace mimir::promql::engine
