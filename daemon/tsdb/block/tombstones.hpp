#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"

namespace mimir::tsdb {

inline constexpr std::string_view kTombstonesFileName = "tombstones";

/// What was deleted from a block: ranges of time (both ends included) of series, which are known by
/// their reference.
using Tombstones = std::unordered_map<std::uint32_t, std::vector<TimeRange>>;

/// Errors: corrupt.
Result<Tombstones> parse_tombstones(std::string_view file);
std::string encode(const Tombstones& tombstones);

}  // namespace mimir::tsdb
