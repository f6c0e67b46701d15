#pragma once

#include <memory>

#include "base/result.hpp"
#include "base/types.hpp"
#include "chunkenc/series_set.hpp"
#include "model/label_projection.hpp"
#include "model/matcher.hpp"

namespace mimir::promql {

/// Where the engine's series come from: the seam to storage, here or over there.
/// Threads: any; each returned set belongs to its caller.
class Queryable {
  public:
    virtual ~Queryable() = default;

    /// The series for which all matchers hold and that have a chunk overlapping the range (both ends included).
    /// Errors: those of the storage; limit; canceled and timeout.
    virtual Result<std::unique_ptr<chunkenc::SeriesSet>> select(
        const model::Matchers& matchers, TimeRange range
    ) = 0;
    /// The same for a reader that looks at some labels only; others may be missing.
    virtual Result<std::unique_ptr<chunkenc::SeriesSet>> select_projected(
        const model::Matchers& matchers, TimeRange range, const model::LabelProjection& /*labels*/
    ) {
        return select(matchers, range);
    }
};

}  // namespace mimir::promql
