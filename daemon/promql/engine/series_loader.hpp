#pragma once

#include <memory>
#include <optional>

#include "chunkenc/decode.hpp"
#include "chunkenc/series_set.hpp"
#include "promql/engine/operator.hpp"

namespace mimir::promql::engine {

/// The series of a selection and their decoded samples, loaded in batches.
class SeriesLoader {
  public:
    explicit SeriesLoader(QueryContext& context) : context_(context), held_(context.budget) {}

    /// Selects the series; with a projection, others of their labels may be missing. Errors: those of the storage.
    Result<void> select(
        const model::Matchers& matchers,
        TimeRange range,
        const std::optional<model::LabelProjection>& labels
    );
    [[nodiscard]] std::size_t count() const { return set_->count(); }
    [[nodiscard]] std::vector<SeriesMeta> series() const;

    /// The samples of a series within the range, stale markers among them, no time twice in a column. Valid until the
    /// next call; indices must grow. Errors: limit; timeout, canceled; those of the storage.
    Result<chunkenc::Points*> load(std::size_t index);

  private:
    Result<void> decode(std::span<const chunkenc::ChunkView> chunks);
    void merge_scratch();

    QueryContext& context_;
    TimeRange range_;
    std::unique_ptr<chunkenc::SeriesSet> set_;
    chunkenc::ChunkBatch batch_;
    std::size_t batch_begin_ = 0;
    std::size_t batch_end_ = 0;
    chunkenc::Points points_;
    chunkenc::Points scratch_;  // of a chunk that overlaps those before it
    HeldSamples held_;
};

}  // namespace mimir::promql::engine
