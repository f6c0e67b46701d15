#pragma once

#include <memory>
#include <string>
#include <vector>

#include "chunkenc/series_set.hpp"
#include "fs/file_system.hpp"
#include "model/matcher.hpp"
#include "tsdb/block/block_meta.hpp"
#include "tsdb/block/chunk_segments.hpp"
#include "tsdb/block/tombstones.hpp"
#include "tsdb/index/index_reader.hpp"

namespace mimir::tsdb {

class BlockSeriesSet;

/// A block: series and their chunks over a range of time, for ever as they were written. The files
/// are mapped: they may be removed while the block is in use. Errors:  corrupt, naming file and
/// offset. Metadata, symbols and tables are checked at open; postings, series and
///          chunks, each with its checksum, when they are read.
/// Threads: any.
class Block : public std::enable_shared_from_this<Block> {
    struct Private {};

  public:
    /// Opens the folder of a block, which bears its ULID's name.
    static Result<std::shared_ptr<const Block>> open(const fs::FileSystem& files, fs::Path dir);

    /// The series that match and have a chunk that overlaps the range. The set keeps the block.
    /// Batches point into the mapped files, and keep the block too. Deleted samples are left out.
    Result<std::unique_ptr<BlockSeriesSet>> select(const model::Matchers& matchers, TimeRange range)
        const;
    /// Of the series that match (without matchers: of all). Sorted, unique.
    Result<std::vector<std::string>> label_names(const model::Matchers& matchers) const;
    Result<std::vector<std::string>> label_values(
        std::string_view name, const model::Matchers& matchers
    ) const;
    /// Appends those of a series' chunks that overlap the range to `out`. They live as long as block and `memory`.
    Result<void> load_chunks(
        std::uint32_t series,
        std::span<const ChunkMeta> metas,
        TimeRange range,
        chunkenc::ChunkBatch& memory,
        std::vector<chunkenc::ChunkView>& out
    ) const;

    [[nodiscard]] const BlockMeta& meta() const { return meta_; }
    [[nodiscard]] const fs::Path& dir() const { return dir_; }
    [[nodiscard]] const IndexReader& index() const { return index_; }
    /// Of index and chunks, on disk.
    [[nodiscard]] std::uint64_t bytes() const { return index_.bytes() + chunks_.bytes(); }

    Block(
        Private,
        fs::Path dir,
        BlockMeta meta,
        IndexReader index,
        ChunkReader chunks,
        Tombstones tombstones
    );

  private:
    fs::Path dir_;
    BlockMeta meta_;
    IndexReader index_;
    ChunkReader chunks_;
    Tombstones tombstones_;
};

}  // namespace mimir::tsdb
