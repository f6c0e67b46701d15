#pragma once

// Streams of bits, most significant first, read and written by whole words: a word is loaded (big
// endian) at the byte that holds the position, and shifted. There are no loops over bits.

#include <cstdint>
#include <string>
#include <string_view>

#include "encoding/bytes.hpp"

namespace mimir::chunkenc::detail {

/// Bytes behind the first that get_bits() reads and put_bits() writes.
inline constexpr std::size_t kBitsReach = 9;

/// The bits from `position` on, at the top of a word; at least 57 of them are valid. Reads 8 bytes.
inline std::uint64_t peek_bits(const char* data, std::uint64_t position) {
    return encoding::load_be<std::uint64_t>(data + (position >> 3)) << (position & 7);
}

/// The next `count` (1..64) bits.
inline std::uint64_t get_bits(const char* data, std::uint64_t position, unsigned count) {
    std::uint64_t word = peek_bits(data, position);
    if (count > 57) {
        const auto ninth = static_cast<std::uint8_t>(data[(position >> 3) + 8]);
        word |= std::uint64_t{ninth} >> (8 - (position & 7));
    }
    return word >> (64 - count);
}

/// Writes the low `count` (1..64) bits of `value`, whose others are zero. The bits behind them in
/// the bytes that it touches become zero.
inline void put_bits(char* data, std::uint64_t position, std::uint64_t value, unsigned count) {
    char* const at = data + (position >> 3);
    const auto used = static_cast<unsigned>(position & 7);
    const std::uint64_t top = value << (64 - count);
    const std::uint64_t before =
        used == 0 ? 0 : std::uint64_t{static_cast<std::uint8_t>(*at)} << 56;
    encoding::store_be(at, before | (top >> used));
    if (used + count > 64) at[8] = static_cast<char>(top << (64 - used) >> 56);
}

/// What a field of `count` bits holds of a signed number: (-2^(count-1), 2^(count-1)], in two's
/// complement but for the largest, which stays positive.
constexpr bool fits_signed(std::int64_t value, unsigned count) {
    const std::int64_t half = std::int64_t{1} << (count - 1);
    return -half < value && value <= half;
}
constexpr std::int64_t to_signed(std::uint64_t field, unsigned count) {
    if (count == 64) return static_cast<std::int64_t>(field);
    const std::uint64_t half = std::uint64_t{1} << (count - 1);
    return static_cast<std::int64_t>(field > half ? field - (half << 1) : field);
}
constexpr std::uint64_t low_bits(std::int64_t value, unsigned count) {
    return static_cast<std::uint64_t>(value) & (~std::uint64_t{0} >> (64 - count));
}

/// Appends bits to bytes of its own.
class BitWriter {
  public:
    void put(std::uint64_t value, unsigned count) {
        const std::size_t needed = (position_ >> 3) + kBitsReach;
        if (needed > bytes_.size()) bytes_.resize(2 * needed);
        put_bits(bytes_.data(), position_, value, count);
        position_ += count;
    }
    /// Overwrites bytes written before.
    char* at(std::size_t byte) { return bytes_.data() + byte; }
    void clear() { position_ = 0; }
    [[nodiscard]] std::string_view data() const { return {bytes_.data(), (position_ + 7) / 8}; }

  private:
    std::string bytes_;  // longer than what is written
    std::uint64_t position_ = 0;
};

/// Reads bits from untrusted bytes. A read past the end yields zeros and clears ok(): check once
/// after a run of reads.
class BitReader {
  public:
    explicit BitReader(std::string_view data) : data_(data), end_(data.size() * 8) {}

    [[nodiscard]] bool ok() const { return position_ <= end_; }
    [[nodiscard]] std::uint64_t remaining() const { return ok() ? end_ - position_ : 0; }

    /// The next `count` (1..64) bits.
    std::uint64_t get(unsigned count) {
        const std::uint64_t field =
            far_from_end() ? get_bits(data_.data(), position_, count) : get_near_end(count);
        position_ += count;
        return field;
    }
    /// The bits ahead, at the top of a word, at least 57 of them valid; zeros behind the end.
    [[nodiscard]] std::uint64_t peek() const {
        return far_from_end() ? peek_bits(data_.data(), position_) : get_near_end(64);
    }
    void skip(unsigned count) { position_ += count; }
    /// What was read makes no sense.
    void spoil() { position_ = end_ + 1; }

  private:
    [[nodiscard]] bool far_from_end() const {
        return (position_ >> 3) + kBitsReach <= data_.size();
    }
    [[nodiscard]] std::uint64_t get_near_end(unsigned count) const {
        char padded[2 * kBitsReach] = {};
        const std::size_t byte = position_ >> 3;
        if (byte < data_.size()) data_.copy(padded, kBitsReach, byte);
        return get_bits(padded, position_ & 7, count);
    }

    std::string_view data_;
    std::uint64_t position_ = 0;
    std::uint64_t end_;
};

}  // namespace mimir::chunkenc::detail
