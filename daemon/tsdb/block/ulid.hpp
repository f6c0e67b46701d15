#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "base/types.hpp"

namespace mimir::tsdb {

/// A block's name: 48 bits of creation time, then 80 random ones. Names sort by time.
class Ulid {
  public:
    static Ulid create(TimestampMs time, Random& random);
    /// 26 characters of Crockford's base 32, upper case; nothing for any other text.
    static std::optional<Ulid> parse(std::string_view text);

    [[nodiscard]] std::string str() const;
    [[nodiscard]] TimestampMs time() const;
    auto operator<=>(const Ulid&) const = default;

  private:
    std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace mimir::tsdb
