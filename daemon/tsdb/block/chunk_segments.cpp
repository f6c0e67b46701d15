#include "tsdb/block/chunk_segments.hpp"

#include "encoding/bytes.hpp"
#include "encoding/crc32c.hpp"

namespace mimir::tsdb {
namespace {

constexpr std::uint32_t kMagic = 0x85BD40DD;
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 8;

std::string segment_name(std::size_t index) { return fmt::format("{:06}", index + 1); }

ChunkRef make_ref(std::uint32_t segment, std::uint64_t offset) {
    return static_cast<ChunkRef>(std::uint64_t{segment} << 32 | offset);
}

}  // namespace

Result<ChunkWriter> ChunkWriter::create(
    fs::FileSystem& files, fs::Path dir, std::uint64_t segment_bytes_max
) {
    MIMIR_TRY(files.create_directories(dir));
    return ChunkWriter(files, std::move(dir), segment_bytes_max);
}

Result<void> ChunkWriter::begin_segment() {
    if (segment_) MIMIR_TRY(segment_->sync());
    MIMIR_TRY(
        auto file,
        files_->open_writable(
            dir_ / segment_name(segments_begun_), fs::FileSystem::OpenMode::create_new
        )
    );
    ++segments_begun_;
    segment_.emplace(std::move(file));
    std::string header;
    encoding::ByteWriter writer(header);
    writer.be32(kMagic);
    writer.u8(kVersion);
    header.resize(kHeaderBytes);
    return segment_->append(header);
}

Result<ChunkRef> ChunkWriter::write(const chunkenc::ChunkView& chunk) {
    scratch_.clear();
    encoding::ByteWriter writer(scratch_);
    writer.uvarint(chunk.data.size());
    const std::size_t checked_from = scratch_.size();
    writer.u8(static_cast<std::uint8_t>(chunk.encoding));
    writer.raw(chunk.data);
    writer.be32(encoding::crc32c(std::string_view(scratch_).substr(checked_from)));
    if (!segment_ || segment_->position() + scratch_.size() > segment_bytes_max_) {
        MIMIR_TRY(begin_segment());
    }
    const ChunkRef ref = make_ref(segments_begun_ - 1, segment_->position());
    MIMIR_TRY(segment_->append(scratch_));
    return ref;
}

Result<void> ChunkWriter::finish() {
    if (segment_) MIMIR_TRY(segment_->sync());
    return files_->sync_dir(dir_);
}

Result<ChunkReader> ChunkReader::open(const fs::FileSystem& files, fs::Path dir) {
    ChunkReader reader(std::move(dir));
    while (files.exists(reader.dir_ / segment_name(reader.segments_.size()))) {
        const fs::Path path = reader.dir_ / segment_name(reader.segments_.size());
        MIMIR_TRY(auto file, files.map(path));
        encoding::ByteReader header(file->bytes());
        if (header.be32() != kMagic || header.u8() != kVersion ||
            file->bytes().size() < kHeaderBytes) {
            return fail(ErrorKind::corrupt, "{}: bad header", path.string());
        }
        reader.segments_.push_back(std::move(file));
    }
    return reader;
}

Result<chunkenc::ChunkView> ChunkReader::read(const ChunkMeta& meta) const {
    const auto ref = static_cast<std::uint64_t>(meta.ref);
    const std::uint64_t segment = ref >> 32;
    const std::uint64_t offset = ref & UINT32_MAX;
    const auto damaged = [&](std::string_view what) {
        const std::string path = (dir_ / segment_name(segment)).string();
        return fail(ErrorKind::corrupt, "{}: {} at byte {}", path, what, offset);
    };
    if (segment >= segments_.size()) return damaged("no segment for the chunk");
    const std::string_view bytes = segments_[segment]->bytes();
    if (offset < kHeaderBytes || offset > bytes.size()) return damaged("no chunk");

    encoding::ByteReader reader(bytes.substr(offset));
    const std::uint64_t data_bytes = reader.uvarint();
    if (data_bytes >= reader.remaining()) return damaged("bad chunk");
    const std::string_view checked = reader.raw(1 + data_bytes);
    const std::uint32_t checksum = reader.be32();
    if (!reader.ok() || encoding::crc32c(checked) != checksum) return damaged("bad chunk");
    const auto encoding = static_cast<std::uint8_t>(checked.front());
    if (encoding < 1 || encoding > 3)
        return damaged(fmt::format("unknown chunk encoding {}", encoding));
    return chunkenc::ChunkView{
        meta.range, static_cast<chunkenc::Encoding>(encoding), checked.substr(1)
    };
}

std::uint64_t ChunkReader::bytes() const {
    std::uint64_t total = 0;
    for (const auto& segment : segments_) total += segment->bytes().size();
    return total;
}

}  // namespace mimir::tsdb
