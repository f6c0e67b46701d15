#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "chunkenc/series_set.hpp"
#include "http/request_context.hpp"
#include "model/exemplar.hpp"
#include "model/matcher.hpp"
#include "model/write_request.hpp"
#include "promql/engine.hpp"
#include "rpc/ingester_client.hpp"

namespace mimir::rpc {

/// Series or labels that any of the selectors selects; without selectors, of all series.
struct SelectionQuery {
    std::vector<model::Matchers> selectors;
    TimeRange range;
    std::size_t limit = 0;  ///< 0: none.
};

/// What was found, and whether more was left out for the limit.
template <class T>
struct Selection {
    std::vector<T> found;  ///< Sorted.
    bool truncated = false;
};

/// What the query-frontend asks of queriers. The context's tenant is set.
/// Errors of all: limit; unavailable; canceled and timeout, as the context's token says; those of
/// the storage. Threads: awaited on the event loop; the work is done on the query pool.
class QueryRunner {
  public:
    template <class T>
    using Answer = boost::asio::awaitable<Result<T>>;

    virtual ~QueryRunner() = default;

    /// Evaluates an expression that was parsed from query.text.
    /// Errors: invalid, for what the evaluation finds wrong, in Prometheus' words.
    virtual Answer<promql::QueryResult> query(
        RequestContext context, promql::Query query, promql::ExprPtr expr
    ) = 0;
    virtual Answer<Selection<model::Labels>> series(
        RequestContext context, SelectionQuery query
    ) = 0;
    virtual Answer<Selection<std::string>> label_names(
        RequestContext context, SelectionQuery query
    ) = 0;
    virtual Answer<Selection<std::string>> label_values(
        RequestContext context, std::string name, SelectionQuery query
    ) = 0;
    virtual Answer<std::vector<model::SeriesExemplars>> exemplars(
        RequestContext context, SelectionQuery query
    ) = 0;
    virtual Answer<std::vector<model::MetricMetadata>> metadata(
        RequestContext context, MetadataQuery query
    ) = 0;
    /// Series with their chunks, for remote read. Loading chunks blocks: to be done on the query
    /// pool.
    virtual Answer<std::unique_ptr<chunkenc::SeriesSet>> select(
        RequestContext context, model::Matchers matchers, TimeRange range
    ) = 0;
};

}  // namespace mimir::rpc
