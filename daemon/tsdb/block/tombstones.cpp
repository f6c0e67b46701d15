#include "tsdb/block/tombstones.hpp"

#include <limits>
#include <map>

#include "encoding/bytes.hpp"
#include "encoding/crc32c.hpp"

namespace mimir::tsdb {
namespace {

constexpr std::uint32_t kMagic = 0x0130BA30;
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 5;
constexpr std::size_t kChecksumBytes = 4;

}  // namespace

Result<Tombstones> parse_tombstones(std::string_view file) {
    encoding::ByteReader header(file);
    if (header.be32() != kMagic || header.u8() != kVersion || header.remaining() < kChecksumBytes) {
        return fail(ErrorKind::corrupt, "bad header");
    }
    const std::string_view stones =
        file.substr(kHeaderBytes, file.size() - kHeaderBytes - kChecksumBytes);
    encoding::ByteReader checksum(file.substr(file.size() - kChecksumBytes));
    if (encoding::crc32c(stones) != checksum.be32())
        return fail(ErrorKind::corrupt, "bad checksum");

    Tombstones tombstones;
    for (encoding::ByteReader reader(stones); !reader.at_end();) {
        const std::uint64_t series = reader.uvarint();
        const TimestampMs min{reader.varint()};
        const TimestampMs max{reader.varint()};
        if (!reader.ok() || series > std::numeric_limits<std::uint32_t>::max()) {
            return fail(ErrorKind::corrupt, "bad entry");
        }
        tombstones[static_cast<std::uint32_t>(series)].push_back({min, max});
    }
    return tombstones;
}

std::string encode(const Tombstones& tombstones) {
    std::string file;
    encoding::ByteWriter writer(file);
    writer.be32(kMagic);
    writer.u8(kVersion);
    for (const auto& [series, ranges] : std::map(tombstones.begin(), tombstones.end())) {
        for (const TimeRange& range : ranges) {
            writer.uvarint(series);
            writer.varint(range.min.ms);
            writer.varint(range.max.ms);
        }
    }
    writer.be32(encoding::crc32c(std::string_view(file).substr(kHeaderBytes)));
    return file;
}

}  // namespace mimir::tsdb
