#include "chunkenc/xor_chunk.hpp"

#include <bit>

#include "base/assert.hpp"
#include "chunkenc/detail/bits.hpp"

namespace mimir::chunkenc {
namespace {

static_assert(kXorSampleBytesMax >= 20 + detail::kBitsReach - 1);

/// Bits gathered before they are written: a prefix and its field, of at most 64 bits together.
struct Code {
    std::uint64_t bits = 0;
    unsigned count = 0;

    void add(std::uint64_t more, unsigned more_count) {
        bits = (bits << more_count) | more;
        count += more_count;
    }
};

void put(XorState& state, char* buffer, Code code) {
    detail::put_bits(buffer, state.bit_length, code.bits, code.count);
    state.bit_length += code.count;
}

/// The change of the distance in time. A field of 64 bits is written at once, and nothing is left
/// in the code.
Code time_code(XorState& state, char* buffer, std::int64_t change) {
    if (change == 0) return {0b0, 1};
    if (detail::fits_signed(change, 14)) return {0b10 << 14 | detail::low_bits(change, 14), 16};
    if (detail::fits_signed(change, 17)) return {0b110 << 17 | detail::low_bits(change, 17), 20};
    if (detail::fits_signed(change, 20)) return {0b1110 << 20 | detail::low_bits(change, 20), 24};
    put(state, buffer, {0b1111, 4});
    put(state, buffer, {static_cast<std::uint64_t>(change), 64});
    return {};
}

/// Writes the gathered code and behind it the value, as its difference to the one before.
void put_value(XorState& state, char* buffer, Code code, std::uint64_t value_bits) {
    const detail::XorCode value = detail::xor_code(value_bits ^ state.last_bits, state.window);
    state.last_bits = value_bits;
    code.add(value.prefix, value.prefix_count);
    put(state, buffer, code);
    if (value.field_count > 0) put(state, buffer, {value.field, value.field_count});
}

void begin(XorState& state, char* buffer, TimestampMs time, std::uint64_t value_bits) {
    char* const end = encoding::store_uvarint(buffer + 2, encoding::zigzag(time.ms));
    encoding::store_be(end, value_bits);
    state.bit_length = static_cast<std::uint32_t>(end + 8 - buffer) * 8;
    state.last_bits = value_bits;
}

void put_second_time(XorState& state, char* buffer, std::uint64_t delta) {
    char* const end = encoding::store_uvarint(buffer + state.bytes(), delta);
    state.bit_length = static_cast<std::uint32_t>(end - buffer) * 8;
}

}  // namespace

void xor_append(XorState& state, char* buffer, TimestampMs time, double value) {
    const auto value_bits = std::bit_cast<std::uint64_t>(value);
    // Unsigned: the distance of times far apart wraps, here as in the reader.
    const std::uint64_t delta =
        static_cast<std::uint64_t>(time.ms) - static_cast<std::uint64_t>(state.last_time.ms);
    if (state.count >= 2) [[likely]] {
        const auto change =
            static_cast<std::int64_t>(delta - static_cast<std::uint64_t>(state.last_delta));
        put_value(state, buffer, time_code(state, buffer, change), value_bits);
    } else if (state.count == 1) {
        put_second_time(state, buffer, delta);
        put_value(state, buffer, {}, value_bits);
    } else {
        begin(state, buffer, time, value_bits);
    }
    state.last_delta = state.count == 0 ? 0 : static_cast<std::int64_t>(delta);
    state.last_time = time;
    encoding::store_be(buffer, ++state.count);
}

void XorChunk::append(TimestampMs time, double value) {
    MIMIR_ASSERT(state_.count < kChunkSamplesMax, "writers cut chunks long before");
    const std::size_t needed = state_.bytes() + kXorSampleBytesMax;
    if (needed > buffer_.size()) buffer_.resize(2 * needed);
    xor_append(state_, buffer_.data(), time, value);
}

}  // namespace mimir::chunkenc
