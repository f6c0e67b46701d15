#include "tsdb/merged_series_set.hpp"

#include <algorithm>
#include <bit>

#include "tsdb/block/rewrite_chunks.hpp"

namespace mimir::tsdb {
namespace {

using chunkenc::ChunkBatch;
using chunkenc::ChunkView;
using chunkenc::SeriesSet;

constexpr std::uint32_t kNone = UINT32_MAX;

/// Numbers distinct label sets in the order in which they come.
class LabelsTable {
  public:
    explicit LabelsTable(std::size_t count_max) : slots_(std::bit_ceil(2 * count_max + 1), kNone) {
        hashes_.reserve(count_max);
    }
    std::uint32_t number(model::LabelsView labels) {
        const model::LabelsHash hash = labels.hash();
        std::size_t slot = hash.low & (slots_.size() - 1);
        while (slots_[slot] != kNone && hashes_[slots_[slot]] != hash) {
            slot = (slot + 1) & (slots_.size() - 1);
        }
        if (slots_[slot] == kNone) {
            slots_[slot] = static_cast<std::uint32_t>(hashes_.size());
            hashes_.push_back(hash);
        }
        return slots_[slot];
    }

  private:
    std::vector<std::uint32_t> slots_;  // numbers; open addressing, at most half full
    std::vector<model::LabelsHash> hashes_;
};

/// Series of the head come first, in its order, so that they can be loaded from it in one go; then those that only
/// blocks have.
class MergedSeriesSet final : public SeriesSet {
  public:
    MergedSeriesSet(
        std::unique_ptr<SeriesSet> head, std::vector<std::unique_ptr<BlockSeriesSet>> blocks
    )
        : head_(std::move(head)), blocks_(std::move(blocks)) {
        std::size_t total = head_count();
        for (const auto& block : blocks_) total += block->count();
        LabelsTable table(total);
        for (std::size_t i = 0; i < head_count(); ++i) table.number(head_->labels(i));
        first_part_.assign(head_count(), kNone);
        last_part_ = first_part_;
        for (std::uint32_t block = 0; block < blocks_.size(); ++block) {
            for (std::uint32_t i = 0; i < blocks_[block]->count(); ++i) {
                add_part(table.number(blocks_[block]->labels(i)), {block, i});
            }
        }
    }

    std::size_t count() const override { return first_part_.size(); }

    model::LabelsView labels(std::size_t index) const override {
        if (index < head_count()) return head_->labels(index);
        const Part& part = parts_[first_part_[index]];
        return blocks_[part.block]->labels(part.index);
    }

    Result<void> load(std::size_t first, std::size_t count, ChunkBatch& batch) override {
        batch.clear();
        for (const auto& block : blocks_) batch.keep_alive(block->block());
        const std::size_t end = first + count;
        const std::size_t from_head = std::min(end, head_count()) - std::min(first, head_count());
        if (from_head > 0) {
            // Who still holds the last batch keeps that one.
            if (head_batch_.use_count() != 1) head_batch_ = std::make_shared<ChunkBatch>();
            MIMIR_TRY(head_->load(first, from_head, *head_batch_));
            batch.keep_alive(head_batch_);
        }
        for (std::size_t index = first; index < end; ++index) {
            chunks_.clear();
            MIMIR_TRY(load_parts(index, batch));
            if (index < head_count()) {
                const auto newest = head_batch_->chunks_of(index - first);
                chunks_.insert(chunks_.end(), newest.begin(), newest.end());
            }
            batch.begin_series();
            hand_out(batch);
        }
        return {};
    }

  private:
    /// A series in a block; parts of one merged series are linked, oldest block first.
    struct Part {
        std::uint32_t block = 0;
        std::uint32_t index = 0;
        std::uint32_t next = kNone;
    };

    std::size_t head_count() const { return head_ ? head_->count() : 0; }

    void add_part(std::uint32_t series, Part part) {
        const auto number = static_cast<std::uint32_t>(parts_.size());
        parts_.push_back(part);
        if (series == first_part_.size()) {
            first_part_.push_back(kNone);
            last_part_.push_back(kNone);
        }
        (last_part_[series] == kNone ? first_part_[series] : parts_[last_part_[series]].next) =
            number;
        last_part_[series] = number;
    }

    Result<void> load_parts(std::size_t index, ChunkBatch& memory) {
        for (std::uint32_t part = first_part_[index]; part != kNone; part = parts_[part].next) {
            MIMIR_TRY(blocks_[parts_[part].block]->load_one(parts_[part].index, memory, chunks_));
        }
        return {};
    }

    void hand_out(ChunkBatch& batch) {
        sort_chunks(chunks_);
        for (std::size_t i = 0; i < chunks_.size(); ++i) {
            // While a block is cut, head and block have the same chunks.
            if (i == 0 || !is_double(chunks_[i - 1], chunks_[i])) batch.add(chunks_[i]);
        }
    }

    std::unique_ptr<SeriesSet> head_;  // may be absent
    std::vector<std::unique_ptr<BlockSeriesSet>> blocks_;
    std::vector<std::uint32_t> first_part_;  // of each merged series
    std::vector<std::uint32_t> last_part_;
    std::vector<Part> parts_;
    std::shared_ptr<ChunkBatch> head_batch_;
    std::vector<ChunkView> chunks_;  // scratch
};

}  // namespace

std::unique_ptr<SeriesSet> merge_series_sets(
    std::unique_ptr<SeriesSet> head, std::vector<std::unique_ptr<BlockSeriesSet>> blocks
) {
    std::erase_if(blocks, [](const auto& block) { return block->count() == 0; });
    if (blocks.empty() && head) return head;
    if (head && head->count() == 0) head.reset();
    if (!head && blocks.size() == 1) return std::move(blocks.front());
    return std::make_unique<MergedSeriesSet>(std::move(head), std::move(blocks));
}

}  // namespace mimir::tsdb
