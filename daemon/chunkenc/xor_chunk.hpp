#pragma once

// Writing XOR chunks: float samples, time and value both as the difference to what was expected.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/types.hpp"
#include "chunkenc/detail/xor_field.hpp"

namespace mimir::chunkenc {

/// Bytes that xor_append may touch behind the chunk's end: 20 for the largest sample, 8 because it
/// stores whole words.
inline constexpr std::size_t kXorSampleBytesMax = 28;
/// A chunk's count of samples is a be16.
inline constexpr std::size_t kChunkSamplesMax = 65535;

/// An XOR chunk that is being written; its bytes lie in a buffer of the owner's choice.
/// Invariant: buffer[0..bytes()) is a whole chunk after each append.
struct XorState {
    TimestampMs last_time;
    std::int64_t last_delta = 0;
    std::uint64_t last_bits = 0;
    std::uint32_t bit_length = 0;
    std::uint16_t count = 0;
    detail::XorWindow window;

    [[nodiscard]] std::size_t bytes() const { return (bit_length + 7) / 8; }
};
static_assert(sizeof(XorState) == 32, "a head holds one for each of its series");

/// Appends one sample and counts it in the chunk's head.
/// Requires: kXorSampleBytesMax bytes of buffer behind bytes(); fewer than kChunkSamplesMax
/// samples;
///           for any but the first, a time not before the last one's.
/// Cost:     no allocation; see tests/bench/chunkenc_bench.cpp.
void xor_append(XorState& state, char* buffer, TimestampMs time, double value);

/// An XOR chunk that owns its bytes, for writers that are not short of memory.
class XorChunk {
  public:
    /// As xor_append.
    void append(TimestampMs time, double value);
    /// Begins a new chunk in the memory of the old.
    void clear() { state_ = {}; }
    [[nodiscard]] std::size_t count() const { return state_.count; }
    /// Valid until the next change.
    [[nodiscard]] std::string_view data() const { return {buffer_.data(), state_.bytes()}; }

  private:
    XorState state_;
    std::string buffer_;
};

}  // namespace mimir::chunkenc
