#include "tsdb/block/block_series_set.hpp"

#include <algorithm>

namespace mimir::tsdb {

Result<void> BlockSeriesSet::add(const Postings& postings) {
    series_.reserve(postings.size());
    ends_.reserve(postings.size());
    const auto in_range = [this](const ChunkMeta& meta) { return meta.range.overlaps(range_); };
    IndexSeries series;
    for (const std::uint32_t one : postings) {
        MIMIR_TRY(block_->index().read_series(one, series));
        if (std::none_of(series.chunks().begin(), series.chunks().end(), in_range)) continue;
        series_.push_back(one);
        labels_ += series.labels().bytes();
        ends_.push_back(labels_.size());
    }
    return {};
}

model::LabelsView BlockSeriesSet::labels(std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
    return model::LabelsView::from_canonical(
        std::string_view(labels_).substr(begin, ends_[index] - begin)
    );
}

Result<void> BlockSeriesSet::load(
    std::size_t first, std::size_t count, chunkenc::ChunkBatch& batch
) {
    batch.clear();
    batch.keep_alive(block_);
    for (std::size_t index = first; index < first + count; ++index) {
        batch.begin_series();
        chunks_.clear();
        MIMIR_TRY(load_one(index, batch, chunks_));
        for (const chunkenc::ChunkView& chunk : chunks_) batch.add(chunk);
    }
    return {};
}

Result<void> BlockSeriesSet::load_one(
    std::size_t index, chunkenc::ChunkBatch& memory, std::vector<chunkenc::ChunkView>& out
) {
    metas_.clear();
    MIMIR_TRY(block_->index().read_chunks(series_[index], metas_));
    return block_->load_chunks(series_[index], metas_, range_, memory, out);
}

}  // namespace mimir::tsdb
