#pragma once

// Reading and writing the integers of Prometheus' formats: big endian fixed widths, LEB128 varints, zigzag.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace mimir::encoding {

inline constexpr std::size_t kVarintBytesMax = 10;

constexpr std::uint64_t zigzag(std::int64_t value) {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t value) {
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

template <class T>
T load_be(const char* at) {
    T value;
    std::memcpy(&value, at, sizeof(T));
    if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
    if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
    if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
}

template <class T>
void store_be(char* at, T value) {
    static_assert(sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8);
    if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
    if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
    if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
    std::memcpy(at, &value, sizeof(T));
}

/// Writes the varint at `at` (room for kVarintBytesMax) and returns the end.
inline char* store_uvarint(char* at, std::uint64_t value) {
    while (value >= 0x80) {
        *at++ = static_cast<char>(value | 0x80);
        value >>= 7;
    }
    *at++ = static_cast<char>(value);
    return at;
}

/// Appends to a string; the writing twin of ByteReader.
class ByteWriter {
  public:
    explicit ByteWriter(std::string& out) : out_(out) {}

    void u8(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
    void be16(std::uint16_t value) { fixed(value); }
    void be32(std::uint32_t value) { fixed(value); }
    void be64(std::uint64_t value) { fixed(value); }
    void be_double(double value) { fixed(std::bit_cast<std::uint64_t>(value)); }
    void uvarint(std::uint64_t value) {
        char buffer[kVarintBytesMax];
        out_.append(buffer, store_uvarint(buffer, value));
    }
    void varint(std::int64_t value) { uvarint(zigzag(value)); }
    void raw(std::string_view bytes) { out_ += bytes; }
    /// uvarint length, then the bytes.
    void string(std::string_view bytes) {
        uvarint(bytes.size());
        out_ += bytes;
    }

  private:
    template <class T>
    void fixed(T value) {
        char buffer[sizeof(T)];
        store_be(buffer, value);
        out_.append(buffer, sizeof(T));
    }
    std::string& out_;
};

/// Reads from untrusted bytes. A read past the end, or an overlong varint, yields zeros and clears ok(): check once
/// after a run of reads.
class ByteReader {
  public:
    explicit ByteReader(std::string_view bytes)
        : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] bool at_end() const { return at_ == end_; }
    [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }
    [[nodiscard]] std::string_view rest() const { return {at_, remaining()}; }

    std::uint8_t u8() { return fixed<std::uint8_t>(); }
    std::uint16_t be16() { return fixed<std::uint16_t>(); }
    std::uint32_t be32() { return fixed<std::uint32_t>(); }
    std::uint64_t be64() { return fixed<std::uint64_t>(); }
    double be_double() { return std::bit_cast<double>(be64()); }
    std::uint64_t uvarint() {
        if (at_ < end_ && static_cast<std::uint8_t>(*at_) < 0x80) [[likely]] {
            return static_cast<std::uint8_t>(*at_++);
        }
        if (remaining() > 1 && static_cast<std::uint8_t>(at_[1]) < 0x80) {
            const auto low = static_cast<std::uint8_t>(*at_++) & 0x7FU;
            return low | static_cast<std::uint64_t>(*at_++) << 7;
        }
        return long_uvarint();
    }
    std::int64_t varint() { return unzigzag(uvarint()); }
    /// Points into the bytes read from.
    std::string_view raw(std::size_t size) {
        if (remaining() < size) {
            spoil();
            return {};
        }
        const std::string_view bytes(at_, size);
        at_ += size;
        return bytes;
    }
    std::string_view string() { return raw(uvarint()); }

  private:
    template <class T>
    T fixed() {
        if (remaining() < sizeof(T)) {
            spoil();
            return 0;
        }
        T value;
        if constexpr (sizeof(T) == 1) {
            value = static_cast<T>(*at_);
        } else {
            value = load_be<T>(at_);
        }
        at_ += sizeof(T);
        return value;
    }
    std::uint64_t long_uvarint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64 && at_ < end_; shift += 7) {
            const auto byte = static_cast<std::uint8_t>(*at_++);
            if (shift == 63 && byte > 1) break;
            value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
            if (byte < 0x80) return value;
        }
        spoil();
        return 0;
    }
    void spoil() {
        ok_ = false;
        at_ = end_;
    }

    const char* at_;
    const char* end_;
    bool ok_ = true;
};

}  // namespace mimir::encoding
