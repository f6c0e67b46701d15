#include "tsdb/block/ulid.hpp"

namespace mimir::tsdb {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kCharacters = 26;  // of 5 bits: 130, of which the first two are 0
constexpr std::size_t kTimeBytes = 6;

}  // namespace

Ulid Ulid::create(TimestampMs time, Random& random) {
    Ulid ulid;
    for (std::size_t i = 0; i < kTimeBytes; ++i) {
        ulid.bytes_[i] = static_cast<std::uint8_t>(time.ms >> (8 * (kTimeBytes - 1 - i)));
    }
    for (std::size_t i = kTimeBytes; i < ulid.bytes_.size(); ++i) {
        ulid.bytes_[i] = static_cast<std::uint8_t>(random.below(256));
    }
    return ulid;
}

std::optional<Ulid> Ulid::parse(std::string_view text) {
    if (text.size() != kCharacters || text.front() > '7') return std::nullopt;
    Ulid ulid;
    for (const char c : text) {
        const std::size_t digit = kAlphabet.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        // Shifts all of it left by five bits.
        auto carry = static_cast<unsigned>(digit);
        for (std::size_t i = ulid.bytes_.size(); i-- > 0;) {
            const unsigned shifted = (unsigned{ulid.bytes_[i]} << 5) | carry;
            ulid.bytes_[i] = static_cast<std::uint8_t>(shifted);
            carry = shifted >> 8;
        }
    }
    return ulid;
}

std::string Ulid::str() const {
    std::string text(kCharacters, '0');
    for (std::size_t i = 0; i < kCharacters; ++i) {
        // Digit i from the right is bits [5i, 5i + 5), which may straddle two bytes.
        const std::size_t bit = 5 * i;
        const std::size_t low = bytes_.size() - 1 - bit / 8;
        unsigned pair = bytes_[low];
        if (low > 0) pair |= unsigned{bytes_[low - 1]} << 8;
        text[kCharacters - 1 - i] = kAlphabet[(pair >> (bit % 8)) & 31];
    }
    return text;
}

TimestampMs Ulid::time() const {
    std::int64_t ms = 0;
    for (std::size_t i = 0; i < kTimeBytes; ++i) ms = ms << 8 | bytes_[i];
    return {ms};
}

}  // namespace mimir::tsdb
