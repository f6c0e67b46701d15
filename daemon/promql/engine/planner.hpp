#pragma once

// From the syntax tree to operators. What isn't built is refused here, before any data is read.

#include "promql/engine/operator.hpp"
#include "promql/engine/projection.hpp"
#include "promql/engine/selectors.hpp"

namespace mimir::promql::engine {

/// Threads: as the context it was made for.
class Planner {
  public:
    explicit Planner(QueryContext& context) : context_(context) {}

    /// Errors: invalid (kNotBuilt, and what is wrong with literal arguments); limit, for steps that could never be held.
    Result<VectorOperatorPtr> vector(const Expr& expr, Steps steps);
    Result<ScalarOperatorPtr> scalar(const Expr& expr, Steps steps);
    Result<RangeOperatorPtr> range(const Expr& expr, Steps steps);

  private:
    Result<VectorOperatorPtr> vector_of(const Expr& expr, Steps steps);
    Result<ScalarOperatorPtr> scalar_of(const Expr& expr, Steps steps);
    Result<VectorOperatorPtr> selector(
        const VectorSelector& selector, Steps steps, InstantSelector::Yield yield
    );
    Result<VectorOperatorPtr> binary(const Expr& expr, Steps steps);
    Result<VectorOperatorPtr> vector_binary(const Expr& expr, Steps steps);
    Result<VectorOperatorPtr> aggregate(const Aggregate& aggregate, Steps steps);
    Result<VectorOperatorPtr> call(const Expr& expr, Steps steps);
    Result<VectorOperatorPtr> range_call(const Call& call, Steps steps);
    Result<VectorOperatorPtr> histogram_estimate(const Call& call, Steps steps);
    Result<VectorOperatorPtr> label_call(const Call& call, Steps steps);
    Result<VectorOperatorPtr> sort_call(const Expr& expr, Steps steps);
    Result<VectorOperatorPtr> absent_call(const Call& call, Steps steps);
    Result<VectorOperatorPtr> timestamp_call(const Expr& argument, Steps steps);
    Result<ScalarOperatorPtr> scalar_call(const Call& call, Steps steps);
    Result<RangeOperatorPtr> subquery(const Subquery& subquery, Steps steps);
    Result<std::vector<ScalarOperatorPtr>> scalars(std::span<const ExprPtr> exprs, Steps steps);

    /// With the names gone that are to go, unless that waits for the end of the query.
    VectorOperatorPtr settle(VectorOperatorPtr input, Steps steps);
    /// With series merged that may have got equal labels.
    VectorOperatorPtr merge(VectorOperatorPtr input, Steps steps);
    [[nodiscard]] Reference reference(const std::optional<At>& at, const Duration& offset) const;

    QueryContext& context_;
    /// While what lies between an aggregation and the one selector below is planned.
    std::optional<model::LabelProjection> projection_;
};

/// Whether the expression has the same value at every step: all its selectors are fixed by @, and it doesn't ask for the
/// time.
bool is_step_invariant(const Expr& expr);

/// The text of a string literal, parentheses aside.
const std::string& string_argument(const Expr& expr);

}  // namespace mimir::promql::engine
