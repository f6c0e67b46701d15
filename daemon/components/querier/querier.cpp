#include "components/querier/querier.hpp"

#include <algorithm>

#include "chunkenc/series_set_adapters.hpp"
#include "components/querier/ingester_queryable.hpp"
#include "runtime/run_on.hpp"

namespace mimir::querier {
namespace {

/// Sorted and unique already: only to be cut.
template <class T>
rpc::Selection<T> cut(std::vector<T> found, std::size_t limit) {
    const bool truncated = limit != 0 && found.size() > limit;
    if (truncated) found.resize(limit);
    return {std::move(found), truncated};
}

/// Prometheus' words for queries that were stopped.
Error in_words_of_prometheus(Error error) {
    if (error.kind == ErrorKind::timeout) {
        error.message = "query timed out in expression evaluation";
    } else if (error.kind == ErrorKind::canceled) {
        error.message = "query was canceled in expression evaluation";
    }
    return error;
}

}  // namespace

Querier::Querier(Options options, Environment environment)
    : options_(options), environment_(environment), engine_(engine_options(options)) {}

Querier::Answer<promql::QueryResult> Querier::query(
    rpc::RequestContext context, promql::Query query, promql::ExprPtr expr
) {
    const rpc::RequestContext timed = with_deadline(std::move(context));
    auto job = [&] { return evaluate(timed, query, expr); };
    co_return co_await runtime::run_on(environment_.pool, timed.tenant->str(), job);
}

Result<promql::QueryResult> Querier::evaluate(
    const rpc::RequestContext& context, const promql::Query& query, const promql::ExprPtr& expr
) const {
    Metrics& metrics = environment_.metrics;
    const std::string& user = context.tenant->str();
    const auto limits = environment_.limits.of(user);
    MIMIR_TRY(ReaderPtr ingesters, this->ingesters(context, *limits));
    IngesterQueryable storage(std::move(ingesters), limits, visible(*limits));

    const auto begun = environment_.clock.steady_now();
    metrics.inflight_requests.inc();
    auto checked = context.cancellation.check();  // it may have waited long for a thread
    auto result = checked.and_then([&] {
        return engine_.execute(expr, query, storage, context.cancellation);
    });
    metrics.inflight_requests.dec();
    metrics.query_seconds.with({user})->add(environment_.clock.steady_now() - begun);
    metrics.fetched_series.with({user})->add(storage.usage().series);
    metrics.fetched_chunks.with({user})->add(storage.usage().chunks);
    metrics.fetched_chunk_bytes.with({user})->add(storage.usage().chunk_bytes);
    if (!result) return tl::unexpected(in_words_of_prometheus(std::move(result.error())));
    result->statistics.chunks = storage.usage().chunks;
    result->statistics.chunk_bytes = storage.usage().chunk_bytes;
    result->statistics.wall_time = environment_.clock.steady_now() - begun;
    metrics.samples_processed.with({user})->add(result->statistics.samples);
    return result;
}

Querier::Answer<rpc::Selection<model::Labels>> Querier::series(
    rpc::RequestContext context, rpc::SelectionQuery query
) {
    using Found = rpc::Selection<model::Labels>;
    const rpc::RequestContext timed = with_deadline(std::move(context));
    auto job = [&]() -> Result<Found> {
        const auto limits = environment_.limits.of(timed.tenant->str());
        MIMIR_TRY(const ReaderPtr ingesters, this->ingesters(timed, *limits));
        const TimeRange range = labels_range(*limits, query.range);
        MIMIR_TRY(auto found, ingesters->series(query.selectors, range));
        return cut(std::move(found), query.limit);
    };
    co_return co_await runtime::run_on(environment_.pool, timed.tenant->str(), job);
}

Querier::Answer<rpc::Selection<std::string>> Querier::label_names(
    rpc::RequestContext context, rpc::SelectionQuery query
) {
    const rpc::RequestContext timed = with_deadline(std::move(context));
    auto job = [&]() -> Result<rpc::Selection<std::string>> {
        const auto limits = environment_.limits.of(timed.tenant->str());
        MIMIR_TRY(const ReaderPtr ingesters, this->ingesters(timed, *limits));
        const TimeRange range = labels_range(*limits, query.range);
        const auto of_one = [&](IngesterReader& reader, const model::Matchers& matchers) {
            return reader.label_names(matchers, range);
        };
        return strings_of_any(*ingesters, query, of_one);
    };
    co_return co_await runtime::run_on(environment_.pool, timed.tenant->str(), job);
}

Querier::Answer<rpc::Selection<std::string>> Querier::label_values(
    rpc::RequestContext context, std::string name, rpc::SelectionQuery query
) {
    const rpc::RequestContext timed = with_deadline(std::move(context));
    auto job = [&]() -> Result<rpc::Selection<std::string>> {
        const auto limits = environment_.limits.of(timed.tenant->str());
        MIMIR_TRY(const ReaderPtr ingesters, this->ingesters(timed, *limits));
        const TimeRange range = labels_range(*limits, query.range);
        const auto of_one = [&](IngesterReader& reader, const model::Matchers& matchers) {
            return reader.label_values(name, matchers, range);
        };
        return strings_of_any(*ingesters, query, of_one);
    };
    co_return co_await runtime::run_on(environment_.pool, timed.tenant->str(), job);
}

Querier::Answer<std::vector<model::SeriesExemplars>> Querier::exemplars(
    rpc::RequestContext context, rpc::SelectionQuery query
) {
    using Found = std::vector<model::SeriesExemplars>;
    const rpc::RequestContext timed = with_deadline(std::move(context));
    auto job = [&]() -> Result<Found> {
        const auto limits = environment_.limits.of(timed.tenant->str());
        MIMIR_TRY(const ReaderPtr ingesters, this->ingesters(timed, *limits));
        return ingesters->exemplars(query.selectors, query.range);
    };
    co_return co_await runtime::run_on(environment_.pool, timed.tenant->str(), job);
}

Querier::Answer<std::vector<model::MetricMetadata>> Querier::metadata(
    rpc::RequestContext context, rpc::MetadataQuery query
) {
    using Found = std::vector<model::MetricMetadata>;
    const rpc::RequestContext timed = with_deadline(std::move(context));
    auto job = [&]() -> Result<Found> {
        const auto limits = environment_.limits.of(timed.tenant->str());
        MIMIR_TRY(const ReaderPtr ingesters, this->ingesters(timed, *limits));
        return ingesters->metadata(query);
    };
    co_return co_await runtime::run_on(environment_.pool, timed.tenant->str(), job);
}

Querier::Answer<std::unique_ptr<chunkenc::SeriesSet>> Querier::select(
    rpc::RequestContext context, model::Matchers matchers, TimeRange range
) {
    using Found = std::unique_ptr<chunkenc::SeriesSet>;
    const rpc::RequestContext timed = with_deadline(std::move(context));
    auto job = [&]() -> Result<Found> {
        const auto limits = environment_.limits.of(timed.tenant->str());
        MIMIR_TRY(ReaderPtr ingesters, this->ingesters(timed, *limits));
        const TimeRange seen = visible(*limits);
        const TimeRange asked{std::max(range.min, seen.min), std::min(range.max, seen.max)};
        MIMIR_TRY(auto series, ingesters->select(matchers, asked));
        return std::make_unique<chunkenc::OwningSeriesSet>(std::move(ingesters), std::move(series));
    };
    co_return co_await runtime::run_on(environment_.pool, timed.tenant->str(), job);
}

Result<rpc::Selection<std::string>> Querier::strings_of_any(
    IngesterReader& ingesters, const rpc::SelectionQuery& query, const StringsOf& strings_of
) const {
    if (query.selectors.empty()) {
        MIMIR_TRY(Strings all, strings_of(ingesters, {}));
        return cut(std::move(all), query.limit);
    }
    Strings any;
    for (const model::Matchers& matchers : query.selectors) {
        MIMIR_TRY(Strings some, strings_of(ingesters, matchers));
        any.insert(any.end(), std::move_iterator(some.begin()), std::move_iterator(some.end()));
    }
    std::sort(any.begin(), any.end());
    any.erase(std::unique(any.begin(), any.end()), any.end());
    return cut(std::move(any), query.limit);
}

Result<Querier::ReaderPtr> Querier::ingesters(
    const rpc::RequestContext& context, const config::Limits& limits
) const {
    const IngesterReader::Environment environment{
        environment_.ring, environment_.ingesters, gather_options(options_), environment_.clock
    };
    const std::uint64_t seed = seed_.fetch_add(1, std::memory_order_relaxed);
    return IngesterReader::open(environment, context, limits, seed);
}

rpc::RequestContext Querier::with_deadline(rpc::RequestContext context) const {
    context.cancellation =
        context.cancellation.with_deadline(environment_.clock.steady_now() + options_.timeout);
    return context;
}

TimeRange Querier::visible(const config::Limits& limits) const {
    const TimestampMs now = environment_.clock.now();
    TimeRange range{TimestampMs::min(), TimestampMs::max()};
    if (limits.max_query_lookback.count() > 0) range.min = now - limits.max_query_lookback;
    if (options_.max_query_into_future.count() > 0)
        range.max = now + options_.max_query_into_future;
    return range;
}

TimeRange Querier::labels_range(const config::Limits& limits, TimeRange asked) const {
    const TimeRange seen = visible(limits);
    TimeRange range{std::max(asked.min, seen.min), std::min(asked.max, seen.max)};
    if (const auto length = limits.max_labels_query_length; length.count() > 0) {
        range.max = std::min(range.max, environment_.clock.now() + options_.max_query_into_future);
        range.min = std::max(range.min, range.max - length);
    }
    return range;
}

}  // namespace mimir::querier
