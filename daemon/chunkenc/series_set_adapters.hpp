#pragma once

#include <memory>
#include <utility>

#include "chunkenc/series_set.hpp"

namespace mimir::chunkenc {

/// What a selection yields that can match nothing.
class EmptySeriesSet final : public SeriesSet {
  public:
    [[nodiscard]] std::size_t count() const override { return 0; }
    [[nodiscard]] model::LabelsView labels(std::size_t) const override { return {}; }
    Result<void> load(std::size_t, std::size_t, ChunkBatch& batch) override {
        batch.clear();
        return {};
    }
};

/// A set together with what it reads from: the owner lives as long as the set.
class OwningSeriesSet final : public SeriesSet {
  public:
    OwningSeriesSet(std::shared_ptr<const void> owner, std::unique_ptr<SeriesSet> series)
        : owner_(std::move(owner)), series_(std::move(series)) {}

    [[nodiscard]] std::size_t count() const override { return series_->count(); }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
        return series_->labels(index);
    }
    Result<void> load(std::size_t first, std::size_t count, ChunkBatch& batch) override {
        return series_->load(first, count, batch);
    }

  private:
    std::shared_ptr<const void> owner_;
    std::unique_ptr<SeriesSet> series_;  // ends before its owner
};

}  // namespace mimir::chunkenc
