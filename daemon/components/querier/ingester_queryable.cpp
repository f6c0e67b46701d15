#include "components/querier/ingester_queryable.hpp"

#include <algorithm>

#include "chunkenc/series_set_adapters.hpp"

namespace mimir::querier {
namespace {

tl::unexpected<Error> over_limit(
    std::string_view id, std::string_view what, std::uint64_t limit, std::string_view flag
) {
    return fail_with_id(
        ErrorKind::limit,
        id,
        "the query exceeded the maximum {} (limit: {}) (err-mimir-{}). Consider reducing the time "
        "range "
        "and/or number of series selected by the query. One way to reduce the number of selected "
        "series "
        "is to add more label matchers to the query. Otherwise, to adjust the related per-tenant "
        "limit, "
        "configure -{}, or contact your service administrator.",
        what,
        limit,
        id,
        flag
    );
}

}  // namespace

/// Counts what is loaded.
class IngesterQueryable::LimitedSeriesSet final : public chunkenc::SeriesSet {
  public:
    LimitedSeriesSet(
        std::unique_ptr<chunkenc::SeriesSet> series, const config::Limits& limits, QueryUsage& usage
    )
        : series_(std::move(series)), limits_(limits), usage_(usage) {}

    [[nodiscard]] std::size_t count() const override { return series_->count(); }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
        return series_->labels(index);
    }
    Result<void> load(std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch) override {
        MIMIR_TRY(series_->load(first, count, batch));
        for (std::size_t series = 0; series < batch.series_count(); ++series) {
            const auto chunks = batch.chunks_of(series);
            usage_.chunks += chunks.size();
            for (const chunkenc::ChunkView& chunk : chunks) usage_.chunk_bytes += chunk.data.size();
        }
        return check();
    }

  private:
    [[nodiscard]] Result<void> check() const {
        const std::uint64_t chunks_max = limits_.max_fetched_chunks_per_query;
        if (chunks_max != 0 && usage_.chunks > chunks_max) {
            return over_limit(
                "max-chunks-per-query",
                "number of chunks",
                chunks_max,
                "querier.max-fetched-chunks-per-query"
            );
        }
        const std::uint64_t bytes_max = limits_.max_fetched_chunk_bytes_per_query;
        if (bytes_max != 0 && usage_.chunk_bytes > bytes_max) {
            return over_limit(
                "max-chunks-bytes-per-query",
                "size of all fetched chunks in bytes",
                bytes_max,
                "querier.max-fetched-chunk-bytes-per-query"
            );
        }
        return {};
    }

    std::unique_ptr<chunkenc::SeriesSet> series_;
    const config::Limits& limits_;
    QueryUsage& usage_;
};

Result<std::unique_ptr<chunkenc::SeriesSet>> IngesterQueryable::select_labels(
    const model::Matchers& matchers, TimeRange range, const model::LabelProjection* labels
) {
    range = {std::max(range.min, visible_.min), std::min(range.max, visible_.max)};
    if (range.min > range.max) return std::make_unique<chunkenc::EmptySeriesSet>();
    const std::chrono::milliseconds length_max = limits_->max_partial_query_length;
    if (length_max.count() > 0 && range.length() > length_max) {
        return fail_with_id(
            ErrorKind::limit,
            "max-query-length",
            "the query time range exceeds the limit (query length: {}s, limit: {}s) "
            "(err-mimir-max-query-length). To adjust the related per-tenant limit, configure "
            "-querier.max-partial-query-length, or contact your service administrator.",
            range.length().count() / 1000,
            length_max.count() / 1000
        );
    }
    MIMIR_TRY(auto series, ingesters_->select_in_any_order(matchers, range, labels));
    usage_.series += series->count();
    const std::uint64_t series_max = limits_->max_fetched_series_per_query;
    if (series_max != 0 && usage_.series > series_max) {
        return over_limit(
            "max-series-per-query",
            "number of series",
            series_max,
            "querier.max-fetched-series-per-query"
        );
    }
    return std::make_unique<LimitedSeriesSet>(std::move(series), *limits_, usage_);
}

}  // namespace mimir::querier
