#pragma once

// What writer and reader of a block's index share. The format: docs/formats/index.md.

#include <cstdint>
#include <string_view>

#include "base/types.hpp"

namespace mimir::tsdb {

/// Where a block's chunk is: segment (counting from 0) in the upper 32 bits, offset in the lower.
enum class ChunkRef : std::uint64_t {};

struct ChunkMeta {
    TimeRange range;  ///< Of its first and its last sample.
    ChunkRef ref{};

    bool operator==(const ChunkMeta&) const = default;
};

namespace index_format {

inline constexpr std::string_view kFileName = "index";
inline constexpr std::uint32_t kMagic = 0xBAAAD700;
inline constexpr std::uint8_t kVersion = 2;
inline constexpr std::size_t kHeaderBytes = 5;
inline constexpr std::size_t kSeriesAlignment =
    16;  // a series' reference is its offset divided by this
inline constexpr std::size_t kPostingsAlignment = 4;
inline constexpr std::size_t kChecksumBytes = 4;

/// Offsets of the sections, in the order in which they are stored; 0 when a section is missing.
struct TableOfContents {
    std::uint64_t symbols = 0;
    std::uint64_t series = 0;
    std::uint64_t label_indices = 0;
    std::uint64_t label_offset_table = 0;
    std::uint64_t postings = 0;
    std::uint64_t postings_offset_table = 0;
};
inline constexpr std::size_t kTableOfContentsBytes = 6 * 8 + kChecksumBytes;

}  // namespace index_format
}  // namespace mimir::tsdb
