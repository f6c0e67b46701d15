#pragma once

// The querier answers what the query-frontend asks: it evaluates PromQL over the series of the ingesters, and looks up
// labels, exemplars and metadata there. All work is done on the query pool.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "components/querier/ingester_reader.hpp"
#include "components/querier/metrics.hpp"
#include "components/querier/options.hpp"
#include "config/limits.hpp"
#include "promql/engine.hpp"
#include "ring/ring.hpp"
#include "rpc/ingester_directory.hpp"
#include "rpc/query_runner.hpp"
#include "runtime/pool.hpp"

namespace mimir::querier {

/// What a querier works with; all of it outlives the querier.
struct Environment {
    const config::LimitsProvider& limits;
    const ring::Ring& ring;
    rpc::IngesterDirectory& ingesters;
    runtime::Pool& pool;
    Metrics& metrics;
    const Clock& clock = system_clock();
};

class Querier final : public rpc::QueryRunner {
  public:
    Querier(Options options, Environment environment);

    Answer<promql::QueryResult> query(
        rpc::RequestContext context, promql::Query query, promql::ExprPtr expr
    ) override;
    Answer<rpc::Selection<model::Labels>> series(
        rpc::RequestContext context, rpc::SelectionQuery query
    ) override;
    Answer<rpc::Selection<std::string>> label_names(
        rpc::RequestContext context, rpc::SelectionQuery query
    ) override;
    Answer<rpc::Selection<std::string>> label_values(
        rpc::RequestContext context, std::string name, rpc::SelectionQuery query
    ) override;
    Answer<std::vector<model::SeriesExemplars>> exemplars(
        rpc::RequestContext context, rpc::SelectionQuery query
    ) override;
    Answer<std::vector<model::MetricMetadata>> metadata(
        rpc::RequestContext context, rpc::MetadataQuery query
    ) override;
    Answer<std::unique_ptr<chunkenc::SeriesSet>> select(
        rpc::RequestContext context, model::Matchers matchers, TimeRange range
    ) override;

  private:
    using ReaderPtr = std::shared_ptr<IngesterReader>;
    using Strings = std::vector<std::string>;
    using StringsOf = std::function<Result<Strings>(IngesterReader&, const model::Matchers&)>;

    Result<promql::QueryResult> evaluate(
        const rpc::RequestContext& context, const promql::Query& query, const promql::ExprPtr& expr
    ) const;
    /// Whom to ask for the context's tenant.
    Result<ReaderPtr> ingesters(const rpc::RequestContext& context, const config::Limits& limits)
        const;
    [[nodiscard]] rpc::RequestContext with_deadline(rpc::RequestContext context) const;
    /// What of time the tenant may see.
    [[nodiscard]] TimeRange visible(const config::Limits& limits) const;
    [[nodiscard]] TimeRange labels_range(const config::Limits& limits, TimeRange asked) const;
    Result<rpc::Selection<std::string>> strings_of_any(
        IngesterReader& ingesters, const rpc::SelectionQuery& query, const StringsOf& strings_of
    ) const;

    const Options options_;
    const Environment environment_;
    const promql::Engine engine_;
    /// Of each request's choice among ingesters.
    mutable std::atomic<std::uint64_t> seed_{random_seed()};
};

}  // namespace mimir::querier
