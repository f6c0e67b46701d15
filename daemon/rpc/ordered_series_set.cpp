#include "rpc/ordered_series_set.hpp"

#include <algorithm>

#include "rpc/series_order.hpp"

namespace mimir::rpc {
namespace {

/// Loading that many series in a row costs no more than loading one of them alone.
constexpr std::size_t kSpanPerSeries = 2;

}  // namespace

OrderedSeriesSet::OrderedSeriesSet(std::unique_ptr<chunkenc::SeriesSet> set)
    : set_(std::move(set)), order_(series_order(*set_)) {}

OrderedByIdSet::OrderedByIdSet(std::unique_ptr<chunkenc::SeriesSet> set) {
    struct Numbered {
        SeriesId id;
        std::uint32_t index;
    };
    std::vector<Numbered> series(set->count());
    for (std::uint32_t i = 0; i < series.size(); ++i) series[i] = {SeriesId::of(set->labels(i)), i};
    std::ranges::sort(series, {}, &Numbered::id);
    std::vector<std::uint32_t> order;
    order.reserve(series.size());
    ids_.reserve(series.size());
    for (const auto& [id, index] : series) {
        ids_.push_back(id);
        order.push_back(index);
    }
    set_ = std::make_unique<OrderedSeriesSet>(std::move(set), std::move(order));
}

Result<void> OrderedSeriesSet::load(
    std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch
) {
    batch.clear();
    if (count == 0) return {};
    const auto wanted = std::span(order_).subspan(first, count);
    const auto [min, max] = std::ranges::minmax(wanted);
    // Who still holds the last batch keeps that one.
    if (loaded_.use_count() != 1) loaded_ = std::make_shared<chunkenc::ChunkBatch>();
    const std::size_t span = max - min + std::size_t{1};
    if (span <= kSpanPerSeries * count) return load_span(wanted, {min, span}, batch);
    return load_each(wanted, batch);
}

Result<void> OrderedSeriesSet::load_span(
    std::span<const std::uint32_t> wanted, Span span, chunkenc::ChunkBatch& batch
) {
    MIMIR_TRY(set_->load(span.first, span.count, *loaded_));
    batch.keep_alive(loaded_);
    for (const std::uint32_t index : wanted) {
        batch.begin_series();
        for (const auto& chunk : loaded_->chunks_of(index - span.first)) batch.add(chunk);
    }
    return {};
}

Result<void> OrderedSeriesSet::load_each(
    std::span<const std::uint32_t> wanted, chunkenc::ChunkBatch& batch
) {
    for (const std::uint32_t index : wanted) {
        MIMIR_TRY(set_->load(index, 1, *loaded_));
        batch.begin_series();
        for (chunkenc::ChunkView chunk : loaded_->chunks_of(0)) {
            chunk.data = batch.copy(chunk.data);
            batch.add(chunk);
        }
    }
    return {};
}

}  // namespace mimir::rpc
