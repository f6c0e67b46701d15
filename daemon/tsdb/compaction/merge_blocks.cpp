#include "tsdb/compaction/merge_blocks.hpp"

#include <algorithm>

#include "tsdb/block/block_writer.hpp"
#include "tsdb/block/rewrite_chunks.hpp"

namespace mimir::tsdb {
namespace {

using chunkenc::ChunkBatch;
using chunkenc::ChunkView;

/// Walks the series of a block in the order of their labels.
class BlockCursor {
  public:
    static Result<BlockCursor> begin(const Block& block) {
        BlockCursor cursor(block);
        MIMIR_TRY(block.index().append_all(cursor.postings_));
        MIMIR_TRY(cursor.read());
        return cursor;
    }

    [[nodiscard]] bool at_end() const { return next_ == postings_.size(); }
    [[nodiscard]] model::LabelsView labels() const { return series_.labels(); }
    Result<void> load_chunks(ChunkBatch& memory, std::vector<ChunkView>& out) const {
        constexpr TimeRange kAll{TimestampMs::min(), TimestampMs::max()};
        return block_->load_chunks(postings_[next_], series_.chunks(), kAll, memory, out);
    }
    Result<void> advance() {
        ++next_;
        return read();
    }

  private:
    explicit BlockCursor(const Block& block) : block_(&block) {}
    Result<void> read() {
        return at_end() ? Result<void>() : block_->index().read_series(postings_[next_], series_);
    }

    const Block* block_;
    Postings postings_;
    std::size_t next_ = 0;
    IndexSeries series_;
};

BlockWriter::Plan make_plan(Ulid ulid, std::span<const std::shared_ptr<const Block>> parents) {
    BlockWriter::Plan plan{
        .ulid = ulid, .min_time = TimestampMs::max(), .max_time = TimestampMs::min(), .origin = {}
    };
    for (const auto& parent : parents) {
        const BlockMeta& meta = parent->meta();
        plan.min_time = std::min(plan.min_time, meta.min_time);
        plan.max_time = std::max(plan.max_time, meta.max_time);
        plan.origin.level = std::max(plan.origin.level, meta.origin.level + 1);
        plan.origin.parents.push_back({meta.ulid, meta.min_time, meta.max_time});
        auto& sources = plan.origin.sources;
        sources.insert(sources.end(), meta.origin.sources.begin(), meta.origin.sources.end());
    }
    auto& sources = plan.origin.sources;
    std::sort(sources.begin(), sources.end());
    sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
    return plan;
}

/// The smallest label set at which a cursor stands; nothing when all are at their end.
std::optional<model::LabelsView> smallest(const std::vector<BlockCursor>& cursors) {
    std::optional<model::LabelsView> least;
    for (const BlockCursor& cursor : cursors) {
        if (!cursor.at_end() && (!least || cursor.labels() < *least)) least = cursor.labels();
    }
    return least;
}

}  // namespace

Result<std::optional<BlockMeta>> merge_blocks(
    fs::FileSystem& files,
    const fs::Path& dir,
    Ulid ulid,
    std::span<const std::shared_ptr<const Block>> parents
) {
    const BlockWriter::Plan plan = make_plan(ulid, parents);
    const TimeRange range{plan.min_time, {plan.max_time.ms - 1}};
    MIMIR_TRY(const auto writer, BlockWriter::create(files, dir, plan));
    std::vector<BlockCursor> cursors;
    for (const auto& parent : parents) {
        MIMIR_TRY(BlockCursor cursor, BlockCursor::begin(*parent));
        cursors.push_back(std::move(cursor));
    }

    ChunkBatch memory;
    std::vector<ChunkView> chunks;
    std::vector<ChunkView> fitting;
    while (const auto least = smallest(cursors)) {
        const model::Labels labels(*least);  // the cursors move on
        memory.clear();
        chunks.clear();
        fitting.clear();
        for (BlockCursor& cursor : cursors) {
            if (cursor.at_end() || cursor.labels() != labels.view()) continue;
            MIMIR_TRY(cursor.load_chunks(memory, chunks));
            MIMIR_TRY(cursor.advance());
        }
        sort_chunks(chunks);
        MIMIR_TRY(fit_chunks(chunks, range, memory, fitting));
        MIMIR_TRY(writer->add(labels, fitting));
    }
    return writer->finish();
}

}  // namespace mimir::tsdb
