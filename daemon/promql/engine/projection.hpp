#pragma once

// Which labels of its series an aggregation looks at, so that storage need not give the others.

#include <optional>

#include "model/label_projection.hpp"
#include "promql/ast.hpp"

namespace mimir::promql::engine {

/// The labels that matter of the one selector below an aggregation, when nothing in between looks at others: those it groups
/// by, and the metric name, of which annotations tell. Its series stay distinct when their name is dropped.
/// None: all do, or there is more than one selector.
std::optional<model::LabelProjection> projected_labels(const Aggregate& aggregate);

}  // namespace mimir::promql::engine
