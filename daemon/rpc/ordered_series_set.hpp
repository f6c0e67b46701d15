#pragma once

#include <memory>
#include <span>
#include <vector>

#include "chunkenc/series_set.hpp"
#include "rpc/series_order.hpp"

namespace mimir::rpc {

/// A set's series in the order of SeriesKey, to be merged with those of other ingesters.
/// Cost: on construction a hash of every label set, and a sort. A load that covers most of what lies between
/// its series in the set below is one load of that, without a copy; otherwise, as of small parts of large
/// sets, each series is loaded alone, and its chunks are copied once.
class OrderedSeriesSet final : public chunkenc::SeriesSet {
  public:
    explicit OrderedSeriesSet(std::unique_ptr<chunkenc::SeriesSet> set);
    /// In an order of the caller's: the set's series, each once.
    OrderedSeriesSet(std::unique_ptr<chunkenc::SeriesSet> set, std::vector<std::uint32_t> order)
        : set_(std::move(set)), order_(std::move(order)) {}

    [[nodiscard]] std::size_t count() const override { return order_.size(); }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
        return set_->labels(order_[index]);
    }
    Result<void> load(std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch) override;

  private:
    /// Series of the set below.
    struct Span {
        std::size_t first;
        std::size_t count;
    };
    Result<void> load_span(
        std::span<const std::uint32_t> wanted, Span span, chunkenc::ChunkBatch& batch
    );
    Result<void> load_each(std::span<const std::uint32_t> wanted, chunkenc::ChunkBatch& batch);

    const std::unique_ptr<chunkenc::SeriesSet> set_;
    const std::vector<std::uint32_t> order_;
    std::shared_ptr<chunkenc::ChunkBatch> loaded_;
};

/// A set's series in the order of their ids. The set has all labels.
/// Cost: as of OrderedSeriesSet, and 16 bytes a series.
class OrderedByIdSet final : public IdentifiedSeriesSet {
  public:
    explicit OrderedByIdSet(std::unique_ptr<chunkenc::SeriesSet> set);

    [[nodiscard]] std::size_t count() const override { return ids_.size(); }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
        return set_->labels(index);
    }
    [[nodiscard]] SeriesId id(std::size_t index) const override { return ids_[index]; }
    Result<void> load(std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch) override {
        return set_->load(first, count, batch);
    }

  private:
    std::vector<SeriesId> ids_;
    std::unique_ptr<OrderedSeriesSet> set_;
};

}  // namespace mimir::rpc
