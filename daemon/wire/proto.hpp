#pragma once

// Reading and writing protobuf messages field by field, without generated code and without copies.
// Source: protobuf.dev, "Encoding".

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "encoding/bytes.hpp"

namespace mimir::wire {

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

constexpr std::uint32_t tag_of(std::uint32_t field, WireType type) {
    return field << 3 | static_cast<std::uint32_t>(type);
}

/// Bytes that a varint takes.
constexpr std::size_t varint_bytes(std::uint64_t value) {
    return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

/// Walks the fields of one untrusted message. A getter of another wire type than the field has, a
/// length past the end and an unknown wire type all end the walk and clear ok(): check it once
/// after the loop.
///     while (reader.next()) switch (reader.field()) { case 1: name = reader.bytes(); break; ... }
/// A field that no getter took is skipped.
class ProtoReader {
  public:
    explicit ProtoReader(std::string_view message) : reader_(message) {}

    bool next() {
        if (pending_) skip();
        if (!ok() || reader_.at_end()) return false;
        const std::uint64_t tag = reader_.uvarint();
        field_ = static_cast<std::uint32_t>(tag >> 3);
        type_ = static_cast<WireType>(tag & 7);
        if (field_ == 0 || tag > UINT32_MAX) ok_ = false;
        pending_ = ok();
        return pending_;
    }
    [[nodiscard]] std::uint32_t field() const { return field_; }
    [[nodiscard]] bool ok() const { return ok_ && reader_.ok(); }

    std::uint64_t uint64() { return take(WireType::varint) ? reader_.uvarint() : 0; }
    std::int64_t int64() { return static_cast<std::int64_t>(uint64()); }
    std::int64_t sint64() { return encoding::unzigzag(uint64()); }
    double float64() { return take(WireType::fixed64) ? read_double(reader_.raw(8)) : 0; }
    /// Points into the message.
    std::string_view bytes() {
        return take(WireType::bytes) ? reader_.string() : std::string_view();
    }

    /// Numbers of a repeated field, packed or not, each given to f(std::uint64_t).
    template <class F>
    void each_uint64(F f) {
        if (type_ != WireType::bytes) return f(uint64());
        encoding::ByteReader packed(bytes());
        while (packed.ok() && !packed.at_end()) f(packed.uvarint());
        ok_ = ok_ && packed.ok();
    }
    /// The same for doubles.
    template <class F>
    void each_float64(F f) {
        if (type_ != WireType::bytes) return f(float64());
        encoding::ByteReader packed(bytes());
        while (packed.ok() && !packed.at_end()) f(read_double(packed.raw(8)));
        ok_ = ok_ && packed.ok();
    }

  private:
    static double read_double(std::string_view raw) {
        std::uint64_t bits = 0;
        if (raw.size() == sizeof(bits)) std::memcpy(&bits, raw.data(), sizeof(bits));
        return std::bit_cast<double>(bits);
    }
    bool take(WireType type) {
        pending_ = false;
        if (type_ != type) ok_ = false;
        return ok();
    }
    void skip() {
        pending_ = false;
        switch (type_) {
            case WireType::varint: reader_.uvarint(); return;
            case WireType::fixed64: reader_.raw(8); return;
            case WireType::bytes: reader_.string(); return;
            case WireType::fixed32: reader_.raw(4); return;
        }
        ok_ = false;
    }

    encoding::ByteReader reader_;
    std::uint32_t field_ = 0;
    WireType type_ = WireType::varint;
    bool pending_ = false;  // the field's value has not been read
    bool ok_ = true;
};

/// Appends fields to a message. Zero, empty and false are written too: leave the call out for
/// those.
class ProtoWriter {
  public:
    explicit ProtoWriter(std::string& out) : out_(out), writer_(out) {}

    void uint64(std::uint32_t field, std::uint64_t value) {
        writer_.uvarint(tag_of(field, WireType::varint));
        writer_.uvarint(value);
    }
    void int64(std::uint32_t field, std::int64_t value) {
        uint64(field, static_cast<std::uint64_t>(value));
    }
    void sint64(std::uint32_t field, std::int64_t value) { uint64(field, encoding::zigzag(value)); }
    void float64(std::uint32_t field, double value) {
        writer_.uvarint(tag_of(field, WireType::fixed64));
        append_double(out_, value);
    }
    void bytes(std::uint32_t field, std::string_view value) {
        writer_.uvarint(tag_of(field, WireType::bytes));
        writer_.string(value);
    }
    /// As it stands on the wire: for the packed content of a bytes field.
    static void append_double(std::string& out, double value) {
        char buffer[sizeof(value)];
        std::memcpy(buffer, &value, sizeof(value));
        out.append(buffer, sizeof(value));
    }

  private:
    std::string& out_;
    encoding::ByteWriter writer_;
};

static_assert(std::endian::native == std::endian::little, "protobuf's fixed64 is little endian");

}  // namespace mimir::wire
