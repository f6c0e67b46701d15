#pragma once

// The chunks of a block: files chunks/000001, 000002, ... of at most 512 MiB. Format:
// docs/formats/block.md.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "chunkenc/series_set.hpp"
#include "fs/file_system.hpp"
#include "tsdb/detail/buffered_file.hpp"
#include "tsdb/index/index_format.hpp"

namespace mimir::tsdb {

inline constexpr std::string_view kChunksDirName = "chunks";
inline constexpr std::uint64_t kSegmentBytesMax = 512ULL << 20;

/// Threads: one at a time.
class ChunkWriter {
  public:
    /// Makes the folder. Segments smaller than the format's are for tests.
    static Result<ChunkWriter> create(
        fs::FileSystem& files, fs::Path dir, std::uint64_t segment_bytes_max = kSegmentBytesMax
    );

    Result<ChunkRef> write(const chunkenc::ChunkView& chunk);
    /// Makes everything durable, the files' names included.
    Result<void> finish();

  private:
    ChunkWriter(fs::FileSystem& files, fs::Path dir, std::uint64_t segment_bytes_max)
        : files_(&files), dir_(std::move(dir)), segment_bytes_max_(segment_bytes_max) {}
    Result<void> begin_segment();

    fs::FileSystem* files_;
    fs::Path dir_;
    std::uint64_t segment_bytes_max_;
    std::optional<detail::BufferedFile> segment_;
    std::uint32_t segments_begun_ = 0;
    std::string scratch_;
};

/// Errors:  corrupt, naming file and offset; the bytes are not trusted.
/// Threads: any.
class ChunkReader {
  public:
    static Result<ChunkReader> open(const fs::FileSystem& files, fs::Path dir);

    /// The chunk, where it lies in memory as long as the reader lives. Verifies its checksum.
    Result<chunkenc::ChunkView> read(const ChunkMeta& meta) const;
    [[nodiscard]] std::uint64_t bytes() const;

  private:
    explicit ChunkReader(fs::Path dir) : dir_(std::move(dir)) {}

    fs::Path dir_;
    std::vector<std::shared_ptr<const fs::MappedFile>> segments_;
};

}  // namespace mimir::tsdb
