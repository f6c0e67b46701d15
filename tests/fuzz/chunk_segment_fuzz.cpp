// A segment of chunks: each chunk is read and decoded, one after the other, as found and with its checksum made right.

#include "base/assert.hpp"
#include "chunkenc/decode.hpp"
#include "encoding/bytes.hpp"
#include "encoding/crc32c.hpp"
#include "fs/memory_file_system.hpp"
#include "tsdb/block/chunk_segments.hpp"

namespace {

using namespace mimir;

constexpr std::size_t kHeaderBytes = 8;

/// Makes the checksum of the chunk at `offset` right; returns the offset behind it, 0 when there is no whole chunk.
std::size_t repair_chunk(std::string& file, std::size_t offset) {
    encoding::ByteReader reader(std::string_view(file).substr(offset));
    const std::uint64_t bytes = reader.uvarint();
    if (!reader.ok() || bytes >= reader.remaining()) return 0;
    const std::string_view checked = reader.raw(bytes + 1);
    if (reader.remaining() < 4) return 0;
    const std::size_t checksum_at = file.size() - reader.remaining();
    encoding::store_be(file.data() + checksum_at, encoding::crc32c(checked));
    return checksum_at + 4;
}

void read_segment(const std::string& file, const std::vector<std::size_t>& offsets) {
    fs::MemoryFileSystem files;
    auto out = files.open_writable("/chunks/000001", fs::FileSystem::OpenMode::truncate);
    if (!out) {
        MIMIR_ASSERT(files.create_directories("/chunks"), "memory has room");
        out = files.open_writable("/chunks/000001", fs::FileSystem::OpenMode::truncate);
    }
    MIMIR_ASSERT(out && (*out)->append(file), "memory has room");
    const auto reader = tsdb::ChunkReader::open(files, "/chunks");
    if (!reader) return;
    constexpr TimeRange kAll{TimestampMs::min(), TimestampMs::max()};
    for (const std::size_t offset : offsets) {
        const auto chunk = reader->read({kAll, static_cast<tsdb::ChunkRef>(offset)});
        chunkenc::Points points;
        if (chunk) static_cast<void>(chunkenc::decode(*chunk, kAll, points));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string file(reinterpret_cast<const char*>(data), size);
    std::vector<std::size_t> offsets = {0, kHeaderBytes, size, size / 2};
    read_segment(file, offsets);
    for (std::size_t at = kHeaderBytes; at != 0 && at < file.size();) {
        offsets.push_back(at);
        at = repair_chunk(file, at);
    }
    read_segment(file, offsets);
    return 0;
}
