#pragma once

#include <memory>

#include "components/querier/ingester_reader.hpp"
#include "config/limits.hpp"
#include "promql/queryable.hpp"

namespace mimir::querier {

/// What one query has read so far.
struct QueryUsage {
    std::size_t series = 0;
    std::size_t chunks = 0;
    std::size_t chunk_bytes = 0;
};

/// The series of one tenant for one query, within the tenant's limits.
/// Errors: limit, with Mimir's ids; those of the ingesters.
/// Threads: those of the query, one at a time. Its sets must not outlive it.
class IngesterQueryable final : public promql::Queryable {
  public:
    /// Nothing outside of `visible` is read.
    IngesterQueryable(
        std::shared_ptr<IngesterReader> ingesters,
        std::shared_ptr<const config::Limits> limits,
        TimeRange visible
    )
        : ingesters_(std::move(ingesters)), limits_(std::move(limits)), visible_(visible) {}

    Result<std::unique_ptr<chunkenc::SeriesSet>> select(
        const model::Matchers& matchers, TimeRange range
    ) override {
        return select_labels(matchers, range, nullptr);
    }
    Result<std::unique_ptr<chunkenc::SeriesSet>> select_projected(
        const model::Matchers& matchers, TimeRange range, const model::LabelProjection& labels
    ) override {
        return select_labels(matchers, range, &labels);
    }

    [[nodiscard]] const QueryUsage& usage() const { return usage_; }

  private:
    class LimitedSeriesSet;

    /// labels: null for all.
    Result<std::unique_ptr<chunkenc::SeriesSet>> select_labels(
        const model::Matchers& matchers, TimeRange range, const model::LabelProjection* labels
    );

    const std::shared_ptr<IngesterReader> ingesters_;
    const std::shared_ptr<const config::Limits> limits_;
    const TimeRange visible_;
    QueryUsage usage_;
};

}  // namespace mimir::querier
