// The part of Tsdb that moves samples on: from the head to blocks, from blocks to larger blocks, and away.

#include <algorithm>

#include "tsdb/block/block.hpp"
#include "tsdb/block/block_writer.hpp"
#include "tsdb/block/rewrite_chunks.hpp"
#include "tsdb/compaction/merge_blocks.hpp"
#include "tsdb/compaction/merge_planner.hpp"
#include "tsdb/db.hpp"

namespace mimir::tsdb {
namespace {

/// Of two results the error; the first one's if both failed.
Result<void> both(Result<void> a, Result<void> b) { return a ? std::move(b) : std::move(a); }

}  // namespace

Result<void> Tsdb::compact() {
    std::lock_guard lock(compaction_mutex_);
    // Each step is of use even when another fails: a full disk must not keep old blocks from being deleted.
    Result<void> cut = cut_blocks();
    Result<void> merged = merge_blocks();
    return both(std::move(cut), both(std::move(merged), delete_old_blocks()));
}

Result<void> Tsdb::flush() {
    std::lock_guard lock(compaction_mutex_);
    if (truncation_due_) MIMIR_TRY(truncate_head());
    const TimestampMs newest = head_->max_time();  // what comes later stays in the head
    while (const auto oldest = oldest_uncut()) {
        if (*oldest > newest) break;
        const TimestampMs window_end = window_start(*oldest, block_range()) + block_range();
        MIMIR_TRY(cut_block(*oldest, std::min(window_end, newest + std::chrono::milliseconds(1))));
    }
    return {};
}

Result<void> Tsdb::cut_blocks() {
    if (truncation_due_) MIMIR_TRY(truncate_head());
    while (const auto oldest = oldest_uncut()) {
        if (head_->max_time() - *oldest <= block_range() * 3 / 2) break;
        MIMIR_TRY(cut_block(*oldest, window_start(*oldest, block_range()) + block_range()));
    }
    return {};
}

std::optional<TimestampMs> Tsdb::oldest_uncut() const {
    // After a flush, the head's oldest chunks may begin with samples that are in a block already.
    const TimestampMs oldest = std::max(head_->min_time(), cut_through_);
    return oldest <= head_->max_time() ? std::optional(oldest) : std::nullopt;
}

Result<void> Tsdb::cut_block(TimestampMs oldest, TimestampMs end) {
    const auto started = environment_.clock.steady_now();
    // From here on the range stands still. Should writing fail, its samples are still in the head.
    head_->refuse_before(end);
    const TimestampMs begin = std::max(window_start(oldest, block_range()), cut_through_);
    auto block = write_block(begin, end);
    if (!block) {
        environment_.metrics.compactions_failed.inc();
        return tl::unexpected(block.error().with_context("cutting a block from the head"));
    }
    if (*block) {
        publish({}, *block);
        announce("block cut from head", (*block)->meta(), started);
    }
    cut_through_ = end;
    return truncate_head();
}

Result<std::shared_ptr<const Block>> Tsdb::write_block(TimestampMs begin, TimestampMs end) {
    const TimeRange range{begin, end - std::chrono::milliseconds(1)};
    const Ulid ulid = Ulid::create(environment_.clock.now(), random_);
    MIMIR_TRY(
        const auto writer,
        BlockWriter::create(environment_.files, dir_, {ulid, begin, end, BlockOrigin{}})
    );
    chunkenc::ChunkBatch memory;
    std::vector<chunkenc::ChunkView> fitting;
    const auto add = [&](model::LabelsView labels,
                         std::span<const chunkenc::ChunkView> chunks) -> Result<void> {
        memory.clear();
        fitting.clear();
        MIMIR_TRY(fit_chunks(chunks, range, memory, fitting));
        return writer->add(labels, fitting);
    };
    MIMIR_TRY(head_->series_for_block(range, add));
    MIMIR_TRY(const auto meta, writer->finish());
    if (!meta) return std::shared_ptr<const Block>();
    return Block::open(environment_.files, dir_ / ulid.str());
}

Result<void> Tsdb::truncate_head() {
    auto truncated = head_->truncate(cut_through_);
    truncation_due_ = !truncated;
    if (!truncated) {
        environment_.metrics.head_truncations_failed.inc();
        return tl::unexpected(truncated.error().with_context("truncating the head"));
    }
    return {};
}

Result<void> Tsdb::merge_blocks() {
    for (;;) {
        Blocks blocks = *blocks_.load();
        std::erase_if(blocks, [&](const auto& block) {
            return unmergeable_.contains(block->meta().ulid);
        });
        std::vector<BlockMeta> metas;
        for (const auto& block : blocks) metas.push_back(block->meta());
        Blocks parents;
        for (const std::size_t index : plan_merge(metas, options_.merge_ranges))
            parents.push_back(blocks[index]);
        if (parents.empty()) return {};
        if (auto merged = merge(parents); !merged) {
            environment_.metrics.compactions_failed.inc();
            if (merged.error().kind == ErrorKind::corrupt) {
                for (const auto& parent : parents) unmergeable_.insert(parent->meta().ulid);
            }
            return tl::unexpected(merged.error().with_context("merging blocks"));
        }
    }
}

Result<void> Tsdb::merge(const Blocks& parents) {
    const auto started = environment_.clock.steady_now();
    const Ulid ulid = Ulid::create(environment_.clock.now(), random_);
    MIMIR_TRY(const auto meta, tsdb::merge_blocks(environment_.files, dir_, ulid, parents));
    std::shared_ptr<const Block> merged;
    if (meta) {
        MIMIR_TRY(merged, Block::open(environment_.files, dir_ / ulid.str()));
    }
    publish(parents, merged);
    if (merged) announce("blocks merged", *meta, started);
    for (const auto& parent : parents) MIMIR_TRY(delete_block(*parent));
    return {};
}

Result<void> Tsdb::delete_old_blocks() {
    if (options_.retention.count() == 0) return {};
    const TimestampMs oldest_kept = environment_.clock.now() - options_.retention;
    Blocks old;
    const auto blocks = blocks_.load();
    for (const auto& block : *blocks) {
        if (block->meta().ulid.time() < oldest_kept) old.push_back(block);
    }
    if (old.empty()) return {};
    publish(old, nullptr);
    for (const auto& block : old) {
        environment_.log.info(
            "block deleted because of its age", {{"dir", dir_}, {"block", block->meta().ulid.str()}}
        );
        MIMIR_TRY(delete_block(*block));
    }
    return {};
}

Result<void> Tsdb::delete_block(const Block& block) {
    fs::FileSystem& files = environment_.files;
    fs::Path doomed = block.dir();
    doomed += kDeletionSuffix;
    MIMIR_TRY(files.rename(block.dir(), doomed));
    MIMIR_TRY(files.sync_dir(dir_));
    environment_.metrics.blocks_deleted.inc();
    return files.remove_all(doomed);
}

void Tsdb::publish(const Blocks& gone, std::shared_ptr<const Block> added) {
    Blocks blocks = *blocks_.load();
    std::erase_if(blocks, [&](const auto& block) {
        return std::find(gone.begin(), gone.end(), block) != gone.end();
    });
    if (added) blocks.push_back(std::move(added));
    sort_by_start(blocks);
    blocks_.store(std::make_shared<const Blocks>(std::move(blocks)));
}

void Tsdb::announce(
    std::string_view what, const BlockMeta& meta, std::chrono::steady_clock::time_point started
) {
    const auto took = environment_.clock.steady_now() - started;
    environment_.metrics.compactions.inc();
    environment_.metrics.compaction_duration.observe(took);
    const std::string ulid = meta.ulid.str();
    environment_.log.info(
        what,
        {{"dir", dir_},
         {"block", ulid},
         {"mint", meta.min_time.ms},
         {"maxt", meta.max_time.ms},
         {"series", meta.stats.series},
         {"samples", meta.stats.samples},
         {"took", took}}
    );
}

}  // namespace mimir::tsdb
