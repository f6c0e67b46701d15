#include "tsdb/block/block_writer.hpp"

#include "encoding/bytes.hpp"

namespace mimir::tsdb {
namespace {

Result<std::uint16_t> sample_count(const chunkenc::ChunkView& chunk) {
    if (chunk.data.size() < 2)
        return fail(ErrorKind::corrupt, "a chunk of {} bytes", chunk.data.size());
    return encoding::load_be<std::uint16_t>(chunk.data.data());
}

}  // namespace

Result<std::unique_ptr<BlockWriter>> BlockWriter::create(
    fs::FileSystem& files, fs::Path parent_dir, Plan plan, std::uint64_t segment_bytes_max
) {
    const fs::Path dir = parent_dir / (plan.ulid.str() + std::string(kCreationSuffix));
    MIMIR_TRY(auto chunks, ChunkWriter::create(files, dir / kChunksDirName, segment_bytes_max));
    MIMIR_TRY(auto index, IndexWriter::create(files, dir));
    return std::unique_ptr<BlockWriter>(new BlockWriter(
        files, std::move(parent_dir), std::move(plan), std::move(chunks), std::move(index)
    ));
}

BlockWriter::BlockWriter(
    fs::FileSystem& files, fs::Path parent_dir, Plan plan, ChunkWriter chunks, IndexWriter index
)
    : files_(files),
      parent_dir_(std::move(parent_dir)),
      dir_(parent_dir_ / (plan.ulid.str() + std::string(kCreationSuffix))),
      meta_{
          .ulid = plan.ulid,
          .min_time = plan.min_time,
          .max_time = plan.max_time,
          .origin = std::move(plan.origin)
      },
      chunks_(std::move(chunks)),
      index_(std::move(index)) {
    if (meta_.origin.sources.empty()) meta_.origin.sources = {meta_.ulid};
}

BlockWriter::~BlockWriter() {
    // What can't be removed now is removed at the next start.
    if (!dir_.empty()) static_cast<void>(files_.remove_all(dir_));
}

Result<void> BlockWriter::add(
    model::LabelsView labels, std::span<const chunkenc::ChunkView> chunks
) {
    if (chunks.empty()) return {};
    chunk_metas_.clear();
    TimestampMs last = TimestampMs::min();
    for (const chunkenc::ChunkView& chunk : chunks) {
        const TimeRange range = chunk.range;
        if (range.min < meta_.min_time || range.max >= meta_.max_time || range.max < range.min ||
            range.min < last) {
            return fail(
                ErrorKind::corrupt,
                "series {}: a chunk of [{}, {}] after {} in a block of [{}, {})",
                labels.to_string(),
                range.min.ms,
                range.max.ms,
                last.ms,
                meta_.min_time.ms,
                meta_.max_time.ms
            );
        }
        last = range.min;
        MIMIR_TRY(const std::uint16_t samples, sample_count(chunk));
        const bool is_float = chunk.encoding == chunkenc::Encoding::xor_float;
        (is_float ? meta_.stats.float_samples : meta_.stats.histogram_samples) += samples;
        MIMIR_TRY(const ChunkRef ref, chunks_.write(chunk));
        chunk_metas_.push_back({range, ref});
    }
    ++meta_.stats.series;
    meta_.stats.chunks += chunks.size();
    return index_.add(labels, chunk_metas_);
}

Result<std::optional<BlockMeta>> BlockWriter::finish() {
    if (meta_.stats.series == 0) return std::nullopt;
    meta_.stats.samples = meta_.stats.float_samples + meta_.stats.histogram_samples;
    MIMIR_TRY(chunks_.finish());
    MIMIR_TRY(index_.finish());
    MIMIR_TRY(fs::write_file_atomically(files_, dir_ / kMetaFileName, to_json(meta_)));
    MIMIR_TRY(files_.sync_dir(dir_));
    MIMIR_TRY(files_.rename(dir_, parent_dir_ / meta_.ulid.str()));
    dir_.clear();
    MIMIR_TRY(files_.sync_dir(parent_dir_));
    return meta_;
}

}  // namespace mimir::tsdb
