#pragma once

#include "promql/engine/operator.hpp"

namespace mimir::promql::engine {

/// Reads the operator to its end. Errors: those of the operators; limit.
Result<Vector> collect_vector(QueryContext& context, VectorOperator& root, TimestampMs time);
/// The same for all steps; sorted by labels.
Result<Matrix> collect_matrix(QueryContext& context, VectorOperator& root, Steps steps);
/// The samples that the range operator's only step looks at; sorted by labels.
Result<Matrix> collect_samples(QueryContext& context, RangeOperator& root);

}  // namespace mimir::promql::engine
