// The hot path of every query.
//
// Samples are read by words loaded at any bit, so a load may reach behind the bits wanted.
// Therefore a chunk is read in two runs: one over the data themselves, which stops where a sample
// could reach their end, and one over a copy of the rest with zeros behind it. The loop does not
// check single reads; whether the last one went too far is seen once, after it.

#include <bit>

#include "chunkenc/detail/bits.hpp"
#include "chunkenc/detail/decoders.hpp"
#include "chunkenc/detail/xor_field.hpp"

namespace mimir::chunkenc::detail {
namespace {

/// Bytes from the one where a sample begins to the last that reading it may touch: 4 + 64 + 13
/// bits, then a get_bits().
constexpr std::size_t kSampleReach = 20;

struct Cursor {
    std::uint64_t position = 0;  // in bits
    std::uint64_t time = 0;      // unsigned, as it may wrap in a damaged chunk
    std::uint64_t delta = 0;
    std::uint64_t value = 0;
    XorWindow window{.leading = 0, .trailing = 0};
    bool damaged = false;
};

/// The signed field behind a prefix of `ones` ones and a zero, at the top of the word.
template <unsigned kOnes, unsigned kBits>
std::uint64_t time_field(std::uint64_t word) {
    return static_cast<std::uint64_t>(to_signed(word << (kOnes + 1) >> (64 - kBits), kBits));
}

/// Reads the time; returns the bits ahead of the position then, at least 33 of them valid.
inline std::uint64_t read_time(const char* data, Cursor& at) {
    const std::uint64_t word = peek_bits(data, at.position);
    unsigned used = 1;
    if (word >> 63 != 0b0) {
        if (word >> 62 == 0b10) {
            at.delta += time_field<1, 14>(word);
            used = 16;
        } else if (word >> 61 == 0b110) {
            at.delta += time_field<2, 17>(word);
            used = 20;
        } else if (word >> 60 == 0b1110) {
            at.delta += time_field<3, 20>(word);
            used = 24;
        } else {
            at.delta += get_bits(data, at.position + 4, 64);
            at.time += at.delta;
            at.position += 68;
            return peek_bits(data, at.position);
        }
    }
    at.time += at.delta;
    at.position += used;
    return word << used;
}

/// Reads the value; `word` holds the bits at the position, at least 13 of them valid.
inline void read_value(const char* data, std::uint64_t word, Cursor& at) {
    if (word >> 63 == 0b0) {
        at.position += 1;
        return;
    }
    if (word >> 62 == 0b10) {
        at.position += 2;
    } else {
        if (!read_window(word, at.window)) [[unlikely]]
            at.damaged = true;
        at.position += 13;
    }
    const unsigned width = at.window.width();
    at.value ^= get_bits(data, at.position, width) << at.window.trailing;
    at.position += width;
}

/// Where decoded samples go.
struct Columns {
    TimestampMs* time;
    double* value;

    void put(const Cursor& at) {
        time++->ms = static_cast<std::int64_t>(at.time);
        *value++ = std::bit_cast<double>(at.value);
    }
};

/// Reads up to `count` samples, from the third on, that begin before bit `limit`.
void read_run(
    const char* data, std::uint64_t limit, std::size_t count, Cursor& cursor, Columns& columns
) {
    Cursor at = cursor;  // copies stay in registers
    Columns to = columns;
    for (; count > 0 && at.position < limit; --count) {
        read_value(data, read_time(data, at), at);
        to.put(at);
    }
    cursor = at;
    columns = to;
}

/// The end of the data, with zeros behind it.
struct Tail {
    char bytes[2 * kSampleReach + 1] = {};

    explicit Tail(std::string_view end) { end.copy(bytes, kSampleReach); }
};

/// Reads `count` samples into the columns; returns whether they were there.
bool read_samples(std::string_view data, std::size_t count, Columns to) {
    encoding::ByteReader head(data);
    Cursor at;
    at.time = static_cast<std::uint64_t>(head.varint());
    at.value = head.be64();
    if (!head.ok()) return false;
    to.put(at);
    if (count == 1) return true;

    at.delta = head.uvarint();
    if (!head.ok()) return false;
    at.time += at.delta;
    const std::string_view rest = head.rest();
    const Tail second(rest);
    read_value(second.bytes, peek_bits(second.bytes, 0), at);
    to.put(at);
    if (at.position > rest.size() * 8) return false;

    const TimestampMs* const end = to.time + (count - 2);
    if (rest.size() > kSampleReach) {
        read_run(rest.data(), (rest.size() - kSampleReach) * 8, count - 2, at, to);
    }
    if (to.time != end) {
        const std::size_t begin = at.position / 8;
        const Tail tail(rest.substr(begin));
        at.position %= 8;
        read_run(
            tail.bytes, (rest.size() - begin) * 8, static_cast<std::size_t>(end - to.time), at, to
        );
        at.position += begin * 8;
    }
    return to.time == end && at.position <= rest.size() * 8 && !at.damaged;
}

/// Of the samples from `begin` on, keeps those within the range.
void keep_range(TimeRange range, std::size_t begin, Points& out) {
    if (range.contains(out.float_times[begin]) && range.contains(out.float_times.back())) return;
    std::size_t kept = begin;
    for (std::size_t i = begin; i < out.float_times.size(); ++i) {
        out.float_times[kept] = out.float_times[i];
        out.float_values[kept] = out.float_values[i];
        kept += range.contains(out.float_times[i]) ? 1 : 0;
    }
    out.float_times.resize(kept);
    out.float_values.resize(kept);
}

}  // namespace

Result<void> decode_xor(std::string_view data, TimeRange range, Points& out) {
    encoding::ByteReader head(data);
    const std::size_t count = head.be16();
    // From the third on, a sample has at least two bits: so much memory is taken, and no more, for
    // what is not trusted.
    const std::size_t begin = out.float_times.size();
    bool whole = head.ok() && count <= 2 + 4 * data.size();
    if (whole && count > 0) {
        out.float_times.resize(begin + count);
        out.float_values.resize(begin + count);
        whole = read_samples(
            head.rest(), count, {out.float_times.data() + begin, out.float_values.data() + begin}
        );
    }
    if (!whole) {
        out.float_times.resize(begin);
        out.float_values.resize(begin);
        return fail(
            ErrorKind::corrupt, "XOR chunk of {} samples in {} bytes is damaged", count, data.size()
        );
    }
    if (count > 0) keep_range(range, begin, out);
    return {};
}

}  // namespace mimir::chunkenc::detail
