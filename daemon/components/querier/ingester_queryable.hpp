#pragma once

#include <memory>

#include "config/limits.hpp"
#include "promql/queryable.hpp"
#include "rpc/ingester_client.hpp"

namespace mimir::querier {

/// What one query has read so far.
struct QueryUsage {
    std::size_t series = 0;
    std::size_t chunks = 0;
    std::size_t chunk_bytes = 0;
};

/// The series of one tenant for one query, within the tenant's limits.
/// Errors: limit, with Mimir's ids; those of the ingester.
/// Threads: those of the query, one at a time. Its sets must not outlive it.
class IngesterQueryable final : public promql::Queryable {
  public:
    /// Nothing outside of `visible` is read.
    IngesterQueryable(
        rpc::RequestContext context,
        std::shared_ptr<rpc::IngesterClient> ingester,
        std::shared_ptr<const config::Limits> limits,
        TimeRange visible
    )
        : context_(std::move(context)),
          ingester_(std::move(ingester)),
          limits_(std::move(limits)),
          visible_(visible) {}

    Result<std::unique_ptr<chunkenc::SeriesSet>> select(
        const model::Matchers& matchers, TimeRange range
    ) override;

    [[nodiscard]] const QueryUsage& usage() const { return usage_; }

  private:
    class LimitedSeriesSet;

    const rpc::RequestContext context_;
    const std::shared_ptr<rpc::IngesterClient> ingester_;
    const std::shared_ptr<const config::Limits> limits_;
    const TimeRange visible_;
    QueryUsage usage_;
};

}  // namespace mimir::querier
