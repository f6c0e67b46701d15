#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tsdb/block/block.hpp"

namespace mimir::tsdb {

/// What was selected from a block. Label sets are held; chunks are looked up again when they are loaded.
class BlockSeriesSet final : public chunkenc::SeriesSet {
  public:
    BlockSeriesSet(std::shared_ptr<const Block> block, TimeRange range)
        : block_(std::move(block)), range_(range) {}

    /// Takes those of the series that have a chunk in the range.
    Result<void> add(const Postings& postings);

    [[nodiscard]] std::size_t count() const override { return series_.size(); }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override;
    Result<void> load(std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch) override;

    /// Appends the chunks of one series to `out`. They live as long as block and `memory`.
    Result<void> load_one(
        std::size_t index, chunkenc::ChunkBatch& memory, std::vector<chunkenc::ChunkView>& out
    );
    [[nodiscard]] const std::shared_ptr<const Block>& block() const { return block_; }

  private:
    std::shared_ptr<const Block> block_;
    TimeRange range_;
    std::vector<std::uint32_t> series_;
    std::string labels_;                       // of all series, one after the other
    std::vector<std::size_t> ends_;            // where in labels_ each ends
    std::vector<ChunkMeta> metas_;             // scratch
    std::vector<chunkenc::ChunkView> chunks_;  // scratch
};

}  // namespace mimir::tsdb
