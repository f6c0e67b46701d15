#pragma once

// How records lie in a segment: cut into fragments that don't cross pages, each with its type, length and checksum.
// Format: docs/formats/wal.md.

#include <cstdint>
#include <string>
#include <string_view>

namespace mimir::tsdb {

inline constexpr std::uint64_t kWalPageBytes = 32 << 10;
/// Type (1), length (be16), CRC-32C (be32).
inline constexpr std::uint64_t kFragmentHeaderBytes = 7;

enum class FragmentType : std::uint8_t { padding = 0, full = 1, first = 2, middle = 3, last = 4 };
inline constexpr std::uint8_t kFragmentTypeMask = 0x07;
inline constexpr std::uint8_t kFragmentSnappy = 0x08;
inline constexpr std::uint8_t kFragmentZstd = 0x10;

/// Bytes that a record of `size` bytes takes when it begins at `position` of its segment.
std::uint64_t framed_bytes(std::uint64_t position, std::uint64_t size);

/// Appends the record as it lies at `position` of its segment.
void append_framed(std::string& out, std::uint64_t position, std::string_view record);

}  // namespace mimir::tsdb
