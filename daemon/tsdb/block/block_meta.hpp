#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "tsdb/block/ulid.hpp"

namespace mimir::tsdb {

struct BlockStats {
    std::uint64_t samples = 0;  ///< Floats and histograms.
    std::uint64_t float_samples = 0;
    std::uint64_t histogram_samples = 0;
    std::uint64_t series = 0;
    std::uint64_t chunks = 0;
    std::uint64_t tombstones = 0;

    bool operator==(const BlockStats&) const = default;
};

/// A block that was merged into another.
struct BlockParent {
    Ulid ulid;
    TimestampMs min_time;
    TimestampMs max_time;

    bool operator==(const BlockParent&) const = default;
};

/// How a block came to be.
struct BlockOrigin {
    int level = 1;              ///< 1: cut from a head; merging adds one.
    std::vector<Ulid> sources;  ///< All blocks of level 1 that went into it, sorted.
    std::vector<BlockParent> parents;
    std::vector<std::string> hints;

    bool operator==(const BlockOrigin&) const = default;
};

/// What a block's meta.json says.
struct BlockMeta {
    Ulid ulid;
    TimestampMs min_time;  ///< Included.
    TimestampMs max_time;  ///< Excluded.
    BlockStats stats;
    BlockOrigin origin;

    bool operator==(const BlockMeta&) const = default;
    /// Both ends included, as queries have it.
    [[nodiscard]] TimeRange range() const { return {min_time, {max_time.ms - 1}}; }
};

inline constexpr std::string_view kMetaFileName = "meta.json";

/// Errors: corrupt, saying what is wrong. Unknown keys are ignored.
Result<BlockMeta> parse_block_meta(std::string_view json);
/// Indented by tabs; zero and empty statistics left out, as Prometheus does.
std::string to_json(const BlockMeta& meta);

}  // namespace mimir::tsdb
