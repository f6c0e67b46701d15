#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "chunkenc/series_set.hpp"
#include "http/request_context.hpp"
#include "model/exemplar.hpp"
#include "model/matcher.hpp"
#include "model/write_request.hpp"

namespace mimir::rpc {

using http::RequestContext;

/// Which metadata is asked for. 0 means no limit.
struct MetadataQuery {
    std::string metric;  ///< Empty: every metric.
    std::size_t metrics_limit = 0;
    std::size_t per_metric_limit = 0;
};

/// What others ask of an ingester. The ingester hosted by this process implements it itself: a
/// plain call. The context's tenant is set. Ranges include both ends. Errors of all: unavailable
/// while the ingester does not run; canceled and timeout, as the context's token says. Threads:
/// any; calls block, for the disk at most.
class IngesterClient {
  public:
    virtual ~IngesterClient() = default;

    /// Stores the request's samples, exemplars and metadata; acknowledged once they are in the WAL.
    /// All of its series are canonical and valid. Errors: the first refusal of a series or sample
    /// (invalid, limit), by its id; the others are stored all the same.
    ///         Otherwise nothing may be assumed to be stored.
    virtual Result<void> push(const RequestContext& context, model::WriteRequest& request) = 0;

    virtual Result<std::unique_ptr<chunkenc::SeriesSet>> select(
        const RequestContext& context, const model::Matchers& matchers, TimeRange range
    ) = 0;
    /// Label sets of the series that any of the selectors selects. Sorted, unique.
    virtual Result<std::vector<model::Labels>> series(
        const RequestContext& context, std::span<const model::Matchers> selectors, TimeRange range
    ) = 0;
    /// Sorted. With matchers: of the series that they select.
    virtual Result<std::vector<std::string>> label_names(
        const RequestContext& context, const model::Matchers& matchers, TimeRange range
    ) = 0;
    virtual Result<std::vector<std::string>> label_values(
        const RequestContext& context,
        std::string_view name,
        const model::Matchers& matchers,
        TimeRange range
    ) = 0;
    virtual Result<std::vector<model::SeriesExemplars>> exemplars(
        const RequestContext& context, std::span<const model::Matchers> selectors, TimeRange range
    ) = 0;
    /// Sorted by metric.
    virtual Result<std::vector<model::MetricMetadata>> metadata(
        const RequestContext& context, const MetadataQuery& query
    ) = 0;
};

}  // namespace mimir::rpc
