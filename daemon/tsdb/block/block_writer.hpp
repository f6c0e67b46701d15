#pragma once

#include <memory>
#include <optional>
#include <span>

#include "chunkenc/series_set.hpp"
#include "fs/file_system.hpp"
#include "model/labels.hpp"
#include "tsdb/block/block_meta.hpp"
#include "tsdb/block/chunk_segments.hpp"
#include "tsdb/index/index_writer.hpp"

namespace mimir::tsdb {

/// Suffixes of folders that are not, or no longer, blocks: removed at start.
inline constexpr std::string_view kCreationSuffix = ".tmp-for-creation";
inline constexpr std::string_view kDeletionSuffix = ".tmp-for-deletion";

/// Writes one block, from series that come in the order of their labels. The block appears, whole
/// and durable, under its name when finish() succeeds; until then it is a folder with
/// kCreationSuffix, which the destructor removes. Memory:  that of IndexWriter; chunks go straight
/// to the file. Threads: one at a time.
class BlockWriter {
  public:
    /// What the caller knows of the block; its statistics are counted.
    struct Plan {
        Ulid ulid;
        TimestampMs min_time;  ///< Included.
        TimestampMs max_time;  ///< Excluded.
        BlockOrigin origin;    ///< Without sources: the block is its own.
    };

    static Result<std::unique_ptr<BlockWriter>> create(
        fs::FileSystem& files,
        fs::Path parent_dir,
        Plan plan,
        std::uint64_t segment_bytes_max = kSegmentBytesMax
    );
    ~BlockWriter();
    BlockWriter(const BlockWriter&) = delete;
    BlockWriter& operator=(const BlockWriter&) = delete;

    /// Label sets must ascend, each once; chunks must be sorted by time and lie within the block's
    /// range. A series without chunks is left out. Errors: corrupt when series or chunks are not as
    /// they must be; those of the file system.
    Result<void> add(model::LabelsView labels, std::span<const chunkenc::ChunkView> chunks);

    /// Nothing when no series was added: an empty block is not kept.
    Result<std::optional<BlockMeta>> finish();

  private:
    BlockWriter(
        fs::FileSystem& files, fs::Path parent_dir, Plan plan, ChunkWriter chunks, IndexWriter index
    );

    fs::FileSystem& files_;
    fs::Path parent_dir_;
    fs::Path dir_;  // empty once finished
    BlockMeta meta_;
    ChunkWriter chunks_;
    IndexWriter index_;
    std::vector<ChunkMeta> chunk_metas_;
};

}  // namespace mimir::tsdb
